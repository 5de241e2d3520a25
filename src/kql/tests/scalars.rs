//! Scalar functions and operators.

use super::*;

#[test]
fn arithmetic_follows_the_documented_types() {
    check(
        "print 1/2, 1.0/2, 7 % 3, -5 % 3, 2*1h, 1h/10m, 10m/2",
        "print_0:long,print_1:real,print_2:long,print_3:long,print_4:timespan,print_5:real,print_6:timespan | 0,0.5,1,1,02:00:00,6.0,00:05:00",
    );
    check("print a = int(1) + int(2)", "a:long | 3");
    check("print 1/0, 1.0/0, 5 % 0", "print_0:long,print_1:real,print_2:long | null,Infinity,null");
    value("datetime(2026-01-02) - datetime(2026-01-01)", "1.00:00:00");
    value("datetime(2026-01-02) - 1d", "2026-01-01T00:00:00.0000000Z");
    value("1h + datetime(2026-01-02)", "2026-01-02T01:00:00.0000000Z");
    value("1 + 2 * 3 - -4", "11");
    value("(1 + 2) * 3", "9");
    value("1 + long(null)", "null");
    assert_eq!(err("print 9223372036854775807 + 1").kind, ErrorKind::Unsupported);
    assert_eq!(err("print 'a' + 'b'").kind, ErrorKind::Semantic);
    assert_eq!(err("print dynamic(1) + 1").kind, ErrorKind::Unsupported);
}

#[test]
fn nulls_propagate_through_logic() {
    value("bool(null) and false", "false");
    value("bool(null) and true", "null");
    value("bool(null) or true", "true");
    value("bool(null) or false", "null");
    value("not(bool(null))", "null");
    value("long(null) == long(null)", "null");
    value("long(null) == 1", "false");
    value("long(null) != 1", "true");
    value("long(null) != long(null)", "null");
    value("long(null) > 3", "null");
    value("long(null) in (1, 2)", "false");
    value("isnull('')", "false");
    value("isempty('')", "true");
    value("isempty(long(null))", "true");
    value("isnotempty(dynamic({}).x)", "false");
    check("datatable(v:long)[1, long(null), 3] | where not(v > 2)", "v:long | 1");
}

#[test]
fn a_bool_meets_a_text() {
    value("true == '1'", "true");
    value("true == 'true'", "true");
    value("false == '0'", "true");
    value("true == 1", "true");
    value("true != 'false'", "true");
    check("datatable(b:bool)[true, false, bool(null)] | where b == '1'", "b:bool | true");
    assert_eq!(err("print true == 'yes'").kind, ErrorKind::Unsupported);
}

#[test]
fn an_int_meets_a_list_of_texts() {
    check("datatable(i:int)[0, 1, 5] | where i in ('0', '5')", "i:int | 0 | 5");
    check("datatable(i:long)[0, 1] | where i == '1'", "i:long | 1");
    assert_eq!(err("print 1 in ('a')").kind, ErrorKind::Unsupported);
    assert_eq!(err("datatable(i:int, s:string)[0, 'a'] | where i == s").kind, ErrorKind::Unsupported);
}

#[test]
fn has_any_is_not_fooled_by_a_null_element() {
    value("'abc def' has_any (dynamic(['x', null]))", "false");
    value("'abc def' has_any (dynamic(['DEF', null]))", "true");
    value("'abc def' has_all (dynamic(['abc', null]))", "true");
    check("let l = datatable(d:dynamic)[dynamic(null), dynamic('zz')]; print x = 'abc' has_any (l)", "x:bool | false");
}

#[test]
fn conversions_of_nothing_are_null() {
    check(
        "print toint(''), tolong('x'), toreal('1.5'), tobool('yes'), todatetime('no'), totimespan('1h'), toint('12')",
        "print_0:int,print_1:long,print_2:real,print_3:bool,print_4:datetime,print_5:timespan,print_6:int | null,null,1.5,null,null,01:00:00,12",
    );
    value("toint(2.9)", "2");
    value("tolong('0x1F')", "31");
    value("tostring(long(null))", "");
    value("tostring(1.0)", "1.0");
    value("toguid('nope')", "null");
}

#[test]
fn mixed_arrays_are_not_sorted_by_guess() {
    value("array_sort_asc(dynamic([3, 1, 2]))", "[1,2,3]");
    value("array_sort_desc(dynamic(['b', 'a', null]))", "[\"b\",\"a\",null]");
    let e = err("print array_sort_desc(dynamic([1, 'a']))");
    assert_eq!(e.kind, ErrorKind::Unsupported);
    assert_eq!(e.missing.as_deref(), Some("sorting an array of mixed types"));
}

#[test]
fn terms_end_where_letters_and_digits_end() {
    for (expr, expected) in [
        ("'net user admin' has 'user'", "true"),
        ("'net username' has 'user'", "false"),
        ("'net USER' has 'user'", "true"),
        ("'net USER' has_cs 'user'", "false"),
        ("'c:\\\\x\\\\cmd.exe /c' has 'cmd.exe'", "true"),
        ("'cmd.exe' has '.exe'", "true"),
        ("'a_b' has 'a'", "true"),
        ("'net username' hasprefix 'user'", "true"),
        ("'net myuser' hasprefix 'user'", "false"),
        ("'net myuser' hassuffix 'user'", "true"),
        ("'net myuser' !has 'user'", "true"),
        ("'abc' contains 'B'", "true"),
        ("'abc' contains_cs 'B'", "false"),
        ("'abc' !contains 'x'", "true"),
        ("'abc' startswith 'AB'", "true"),
        ("'abc' !startswith_cs 'AB'", "true"),
        ("'abc' endswith 'BC'", "true"),
        ("'abc' =~ 'ABC'", "true"),
        ("'abc' !~ 'ABC'", "false"),
        ("'abc' == 'ABC'", "false"),
        ("'ÄÖ x' has 'äö'", "true"),
        ("'a b c' has_any ('x', 'B')", "true"),
        ("'a b c' has_all ('a', 'C')", "true"),
        ("'a b c' has_all ('a', 'x')", "false"),
        ("'abc' in ('ABC')", "false"),
        ("'abc' in~ ('ABC', 'x')", "true"),
        ("'abc' !in~ ('ABC')", "false"),
        ("'abc' !in ('ABC')", "true"),
        ("'abc123' matches regex @'^[a-z]+\\d+$'", "true"),
        ("5 between (1 .. 5)", "true"),
        ("5 !between (1 .. 5)", "false"),
        ("datetime(2026-01-02) between (datetime(2026-01-01) .. 1d)", "true"),
    ] {
        value(expr, expected);
    }
    assert_eq!(err("print 5 has '5'").kind, ErrorKind::Semantic);
    assert_eq!(err("print 'a' matches regex '('").kind, ErrorKind::Semantic);
}

#[test]
fn lists_come_from_lets_arrays_and_tables() {
    let t = "let l = dynamic(['cmd.exe']); let q = DeviceProcessEvents | where ProcessId == 2 | project FileName; DeviceProcessEvents ";
    check(&format!("{t} | where FileName in (l) | count"), "Count:long | 2");
    check(&format!("{t} | where FileName in (q) | count"), "Count:long | 1");
    check(&format!("{t} | where FileName !in (q) | count"), "Count:long | 2");
    check(&format!("{t} | where FileName in~ ((q)) or FileName has_any (l) | count"), "Count:long | 3");
    check(&format!("{t} | where FileName in ((DeviceProcessEvents | take 1 | project FileName), 'x') | count"), "Count:long | 2");
    check(&format!("{t} | where FileName has_any (q) | count"), "Count:long | 1");
    check(
        "let s = toscalar(DeviceProcessEvents | summarize make_set(FileName)); DeviceProcessEvents | where FileName in (s) | count",
        "Count:long | 3",
    );
}

#[test]
fn dynamic_values_are_reached_by_path_and_index() {
    let d = "let d = dynamic({'a':{'b c':[10, 20, 30]}, 'n': 5, 's': 'x', 't': true});";
    check(
        &format!("{d} print d.a['b c'][1], d.a['b c'][-1], d.none.more, d['s']"),
        "print_0:dynamic,print_1:dynamic,print_2:dynamic,print_3:dynamic | 20,30,null,x",
    );
    check(
        &format!(
            "{d} print x = d.n == 5, y = d.s == 'x', z = d.t == true, w = d.n > 4, v = d.none == 'x', u = d.s has 'X', t = d.s in ('x'), r = d.n in (5)"
        ),
        "x:bool,y:bool,z:bool,w:bool,v:bool,u:bool,t:bool,r:bool | true,true,true,true,false,true,true,true",
    );
    value("parse_json('{\"a\":1}').a", "1");
    value("parse_json('not json')", "not json");
    value("tostring(dynamic({'a':1}).a)", "1");
    value("tostring(dynamic('x'))", "x");
    assert_eq!(err("print x = 'text'.a").kind, ErrorKind::Semantic);
}

#[test]
fn strings() {
    for (expr, expected) in [
        ("strcat('a', 1, true, long(null))", "a1True"),
        ("strcat_delim('-', 'a', 1, 'b')", "a-1-b"),
        ("strlen('äb')", "2"),
        ("substring('123456', 1)", "23456"),
        ("substring('123456', 1, 2)", "23"),
        ("substring('123456', -2)", "56"),
        ("toupper('aß')", "ASS"),
        ("trim('--', '--a--')", "a"),
        ("trim(@'[^\\w]+', '  Te st1-  ')", "Te st1"),
        ("trim_start('a', 'aab')", "ab"),
        ("trim_end('b', 'abb')", "ab"),
        ("replace_string('a.b.c', '.', '-')", "a-b-c"),
        ("replace_regex('Number is 1', @'is (\\d+)', @'was: \\1')", "Number was: 1"),
        ("indexof('abcabc', 'c')", "2"),
        ("indexof('abcabc', 'c', 3)", "5"),
        ("indexof('abc', 'x')", "-1"),
        ("countof('aaaa', 'aa')", "3"),
        ("countof('aaaa', 'aa', 'regex')", "2"),
        ("reverse('abc')", "cba"),
        ("split('a_b_c', '_')", "[\"a\",\"b\",\"c\"]"),
        ("split('a_b_c', '_', 1)", "[\"b\"]"),
        ("split('a_b', '_')[0]", "a"),
        ("extract(@'x=(\\d+)', 1, 'x=12 y')", "12"),
        ("extract('a', 1, 'b')", ""),
        ("extract(@'(\\d+)', 1, 'x12', typeof(long)) + 1", "13"),
        ("extract_all(@'(\\d)', 'a1b2')", "[\"1\",\"2\"]"),
        ("extract_all(@'([a-z])(\\d)', 'a1b2')", "[[\"a\",\"1\"],[\"b\",\"2\"]]"),
        ("extract_all(@'([a-z])(\\d)', dynamic([2]), 'a1b2')", "[\"1\",\"2\"]"),
        ("base64_encode_tostring('Kusto')", "S3VzdG8="),
        ("base64_decode_tostring('S3VzdG8=')", "Kusto"),
        ("base64_decode_tostring('!')", ""),
        ("hash_sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("url_decode('a%20b')", "a b"),
        ("parse_url('https://u:p@h.com:80/a/b?x=1&y=2#f')['Query Parameters'].y", "2"),
        ("parse_url('https://u:p@h.com:80/a/b?x=1&y=2#f').Host", "h.com"),
        ("parse_command_line('a.exe \"b c\" d\\\\\"e', 'windows')", "[\"a.exe\",\"b c\",\"d\\\"e\"]"),
        ("parse_path(@'C:\\temp\\f.txt').DirectoryPath", "C:\\temp"),
        ("parse_path(@'C:\\temp\\f.txt').Extension", "txt"),
        ("strcmp('a', 'b')", "-1"),
        ("strrep('ab', 2, '-')", "ab-ab"),
        ("tohex(255)", "ff"),
    ] {
        value(expr, expected);
    }
    assert_eq!(err("print strlen()").kind, ErrorKind::Semantic);
    assert_eq!(err("print ago('1d')").kind, ErrorKind::Semantic);
}

#[test]
fn dates() {
    let d = "datetime(2026-11-21 08:15:02.1234567)";
    for (expr, expected) in [
        (format!("startofday({d})"), "2026-11-21T00:00:00.0000000Z"),
        (format!("startofday({d}, -1)"), "2026-11-20T00:00:00.0000000Z"),
        (format!("startofweek({d})"), "2026-11-15T00:00:00.0000000Z"),
        (format!("startofmonth({d}, 2)"), "2027-01-01T00:00:00.0000000Z"),
        (format!("startofyear({d})"), "2026-01-01T00:00:00.0000000Z"),
        (format!("endofday({d})"), "2026-11-21T23:59:59.9999999Z"),
        (format!("endofmonth({d})"), "2026-11-30T23:59:59.9999999Z"),
        (format!("endofyear({d})"), "2026-12-31T23:59:59.9999999Z"),
        (format!("bin({d}, 1h)"), "2026-11-21T08:00:00.0000000Z"),
        (format!("dayofweek({d})"), "6.00:00:00"),
        (format!("hourofday({d})"), "8"),
        (format!("getmonth({d})"), "11"),
        (format!("dayofyear({d})"), "325"),
        (format!("datetime_part('millisecond', {d})"), "123"),
        (format!("week_of_year({d})"), "47"),
        (format!("format_datetime({d}, 'yyyy-MM-dd HH:mm:ss.fff')"), "2026-11-21 08:15:02.123"),
        (format!("format_datetime({d}, 'd/M/yy h:mm tt')"), "21/11/26 8:15 AM"),
        ("format_timespan(1d + 2h, 'd.hh:mm')".into(), "1.02:00"),
        ("datetime_diff('hour', datetime(2017-10-31 01:00), datetime(2017-10-30 23:59))".into(), "2"),
        ("datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31))".into(), "17"),
        ("datetime_diff('month', datetime(2017-01-01), datetime(2015-12-30))".into(), "13"),
        ("datetime_add('month', 1, datetime(2026-01-31))".into(), "2026-02-28T00:00:00.0000000Z"),
        ("make_datetime(2026, 2, 3, 4, 5, 6.5)".into(), "2026-02-03T04:05:06.5000000Z"),
        ("make_datetime(2026, 2, 30)".into(), "null"),
        ("make_timespan(1, 30)".into(), "01:30:00"),
        ("unixtime_seconds_todatetime(1546300800)".into(), "2019-01-01T00:00:00.0000000Z"),
        ("now()".into(), "2026-11-21T12:00:00.0000000Z"),
        ("ago(1h)".into(), "2026-11-21T11:00:00.0000000Z"),
        ("todatetime('Sat, 8 Nov 2014 15:05:02 GMT')".into(), "2014-11-08T15:05:02.0000000Z"),
        ("todatetime('2014-11-08T15:05:02+02:00')".into(), "2014-11-08T13:05:02.0000000Z"),
    ] {
        value(&expr, expected);
    }
    assert_eq!(format_datetime(parse_datetime("2026-11-21T08:15:02.1234567Z").unwrap()), "2026-11-21T08:15:02.1234567Z");
    assert_eq!(format_datetime(parse_datetime("2026-11-21T08:15:02.1200Z").unwrap()), "2026-11-21T08:15:02.12Z");
    assert_eq!(format_datetime(parse_datetime("2026-11-21").unwrap()), "2026-11-21T00:00:00Z");
    assert_eq!(format_timespan(parse_timespan("-1.02:03:04.5").unwrap()), "-1.02:03:04.5000000");
    assert_eq!(parse_datetime("2026-02-29"), None);
    assert_eq!(err("print format_datetime(now(), 'yyyy Q')").kind, ErrorKind::Unsupported);
}

#[test]
fn numbers_arrays_and_addresses() {
    for (expr, expected) in [
        ("bin(7, 5)", "5"),
        ("bin(-7, 5)", "-10"),
        ("bin(4.5, 1.0)", "4.0"),
        ("bin(16d, 7d)", "14.00:00:00"),
        ("abs(-5)", "5"),
        ("round(2.15, 1)", "2.2"),
        ("round(-2.5)", "-3.0"),
        ("ceiling(1.1)", "2.0"),
        ("pow(2, 3)", "8.0"),
        ("log10(100)", "2.0"),
        ("log(0)", "null"),
        ("min_of(3, 1.5)", "1.5"),
        ("max_of(1, 2, 3)", "3"),
        ("case(false, 1, true, 2, 3)", "2"),
        ("iff(bool(null), 1, 2)", "2"),
        ("coalesce(long(null), 5)", "5"),
        ("coalesce('', 'x')", "x"),
        ("array_length(dynamic([1,2]))", "2"),
        ("array_length(dynamic({}))", "null"),
        ("pack_array(1, 'a', true)", "[1,\"a\",true]"),
        ("bag_pack('a', 1, 'b', dynamic([2]))", "{\"a\":1,\"b\":[2]}"),
        ("strcat_array(dynamic([1,'a']), '-')", "1-a"),
        ("set_has_element(dynamic(['a', 1]), 'a')", "true"),
        ("array_index_of(dynamic([5, 6]), 6)", "1"),
        ("array_concat(dynamic([1]), dynamic([2]))", "[1,2]"),
        ("array_slice(dynamic([1,2,3,4]), 1, -2)", "[2,3]"),
        ("bag_keys(dynamic({'a':1,'b':2}))", "[\"a\",\"b\"]"),
        ("set_union(dynamic([1,2]), dynamic([2,3]))", "[1,2,3]"),
        ("set_difference(dynamic([1,2]), dynamic([2]))", "[1]"),
        ("zip(dynamic([1,2]), dynamic(['a']))", "[[1,\"a\"],[2,null]]"),
        ("range(1, 7, 3)", "[1,4,7]"),
        ("range(5, 1, -2)", "[5,3,1]"),
        ("gettype(dynamic([]))", "array"),
        ("gettype(1)", "long"),
        ("parse_ipv4('192.168.1.1')", "3232235777"),
        ("parse_ipv4('1.2.3')", "null"),
        ("ipv4_is_private('172.31.0.1')", "true"),
        ("ipv4_is_private('172.32.0.1')", "false"),
        ("ipv4_is_in_range('10.1.2.3', '10.0.0.0/8')", "true"),
        ("ipv4_is_in_any_range('10.1.2.3', '11.0.0.0/8', '10.1.0.0/16')", "true"),
        ("ipv4_compare('10.0.0.1', '10.0.0.2')", "-1"),
        ("ipv4_compare('10.0.0.1', '10.0.0.2', 24)", "0"),
    ] {
        value(expr, expected);
    }
    value("bag_has_key(dynamic({'a':1}), 'a')", "true");
    value("bag_has_key(dynamic({'a':1}), '$.a.b')", "false");
    assert_eq!(err("print bag_has_key(dynamic({'a':1}), '$.a[0]')").kind, ErrorKind::Unsupported);
    assert_eq!(err("print range(1, 10000000000)").kind, ErrorKind::Limit);
    assert_eq!(err("print iff(true, 1, 'a')").kind, ErrorKind::Semantic);
    check("range x from 1 to 5 step 2", "x:long | 1 | 3 | 5");
    check("range x from datetime(2026-01-01) to datetime(2026-01-02) step 12h | count", "Count:long | 3");
    check(
        "DeviceProcessEvents | take 1 | project p = pack_all() | project p.DeviceName, q = column_ifexists('zz', 'none')",
        "p_DeviceName:dynamic,q:string | alpha,none",
    );
}
