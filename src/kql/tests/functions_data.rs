//! Functions on addresses, arrays and bags; most expectations are the examples of the language's documentation.

use super::*;

#[test]
fn ipv4_addresses_are_formatted_found_and_covered() {
    all(&[
        ("format_ipv4('192.168.1.1', 24)", "192.168.1.0"),
        ("format_ipv4('192.168.1.1', 32)", "192.168.1.1"),
        ("format_ipv4('192.168.1.1/24', 32)", "192.168.1.0"),
        ("format_ipv4('192.168.1.1/24', -1)", ""),
        ("format_ipv4(3232235777)", "192.168.1.1"),
        ("format_ipv4(-1)", ""),
        ("format_ipv4('x')", ""),
        ("format_ipv4_mask('192.168.1.1', 24)", "192.168.1.0/24"),
        ("format_ipv4_mask('192.168.1.1/24', 32)", "192.168.1.0/24"),
        ("format_ipv4_mask('192.168.1.1/24', 33)", ""),
        ("parse_ipv4_mask('127.0.0.1', 24)", "2130706432"),
        ("parse_ipv4_mask('127.0.0', 24)", "null"),
        ("ipv4_netmask_suffix('10.1.2.3')", "32"),
        ("ipv4_netmask_suffix('192.168.1.1/24')", "24"),
        ("ipv4_netmask_suffix('1.2.3.4/33')", "null"),
        ("ipv4_range_to_cidr_list('1.1.128.0', '1.1.140.255')", r#"["1.1.128.0/21","1.1.136.0/22","1.1.140.0/24"]"#),
        ("ipv4_range_to_cidr_list('0.0.0.0', '255.255.255.255')", r#"["0.0.0.0/0"]"#),
        ("ipv4_range_to_cidr_list('1.1.1.1', '1.1.1.1')", r#"["1.1.1.1/32"]"#),
        ("has_ipv4('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0.0.1')", "true"),
        ("has_ipv4('05:04:54 127.0.0.256 GET /favicon.ico 404', '127.0.0.256')", "false"),
        ("has_ipv4('05:04:54127.0.0.1 GET /favicon.ico 404', '127.0.0.1')", "false"),
        ("has_any_ipv4('from 10.1.1.201.', '127.0.0.1', '10.1.1.201')", "true"),
        ("has_any_ipv4('from 10.1.1.201x', dynamic(['10.1.1.201']))", "false"),
        ("has_ipv4_prefix('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0.')", "true"),
        ("has_ipv4_prefix('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0')", "false"),
        ("has_ipv4_prefix('05:04:54 127.0.0.256 GET /favicon.ico 404', '127.0.')", "false"),
        ("has_any_ipv4_prefix('05:04:54 127.0.0.1 GET', '127.0.', '192.168.')", "true"),
        ("has_any_ipv4_prefix('05:04:54 127.0.0.1 GET', dynamic(['127.0', '192.168.']))", "false"),
        ("has_any_ipv4_prefix('é 127.0.0.1', dynamic(['127.0.0.1']))", "true"),
        ("has_any_ipv4_prefix('', '127.')", "false"),
    ]);
    missing(&["format_ipv4(1.5)"]);
}

#[test]
fn ipv6_addresses_take_ipv4_ones_in() {
    all(&[
        ("parse_ipv6('192.168.255.255')", "0000:0000:0000:0000:0000:ffff:c0a8:ffff"),
        ("parse_ipv6('192.168.255.255/24')", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6('fe80::85d:e82c:9446:7994/120')", "fe80:0000:0000:0000:085d:e82c:9446:7900"),
        ("parse_ipv6('x')", ""),
        ("parse_ipv6_mask('192.168.255.255', 120)", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6_mask('192.168.255.255/24', 124)", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6_mask('fe80::85d:e82c:9446:7994/120', 124)", "fe80:0000:0000:0000:085d:e82c:9446:7900"),
        ("parse_ipv6_mask('::192.168.255.255', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ffff"),
        ("parse_ipv6_mask('::192.168.255.255/24', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("parse_ipv6_mask('::1', 129)", ""),
        ("ipv6_compare('192.168.1.1', '::ffff:c0a8:0101')", "0"),
        ("ipv6_compare('192.168.1.1/24', '::ffff:c0a8:01ff')", "0"),
        ("ipv6_compare('::192.168.1.1/30', '192.168.1.255/24')", "0"),
        ("ipv6_compare('fe80::85d:e82c:9446:7994', 'fe80::85d:e82c:9446:7995')", "-1"),
        ("ipv6_compare('fe80::85d:e82c:9446:7994', 'fe80::85d:e82c:9446:7995', 127)", "0"),
        ("ipv6_compare('fe80::1', 'zz')", "null"),
        ("ipv6_is_match('192.168.1.1/24', '192.168.1.255')", "true"),
        ("ipv6_is_in_range('a5e:f127:8a9d:146d:e102:b5d3:c755:abcd', 'a5e:f127:8a9d:146d:e102:b5d3:c755:0/112')", "true"),
        (
            "ipv6_is_in_any_range('a5e:f127:8a9d:146d:e102:b5d3:c755:f6cd', 'a5e:f127:8a9d:146d:e102:b5d3:c755:f6cd/112', '0:0:0:0:0:ffff:c0a8:ac/60')",
            "true",
        ),
        (
            "ipv6_is_in_any_range('a5e:f127:8a9d:146d:e102:b5d3:c756:abd1', dynamic(['a5e:f127:8a9d:146d:e102:b5d3:c755:f6cd/112']))",
            "false",
        ),
    ]);
    all(&[
        ("parse_ipv6('fe80::1%eth0')", "fe80:0000:0000:0000:0000:0000:0000:0001"),
        ("parse_ipv6('::ffff:1.2.3.4/24')", "0000:0000:0000:0000:0000:ffff:0102:0300"),
        ("parse_ipv6('::ffff:1.2.3.4/120')", ""),
        ("parse_ipv6('1.2.3.4/0')", "0000:0000:0000:0000:0000:ffff:0000:0000"),
        ("parse_ipv6('2001:db8::10/17')", "2001:0000:0000:0000:0000:0000:0000:0000"),
        ("parse_ipv6('1:2:3:4:5:6:1.2.3.4')", "0001:0002:0003:0004:0005:0006:0102:0304"),
        ("parse_ipv4('01.02.03.04')", "null"),
        ("parse_ipv4(' 203.0.113.10')", "3405803786"),
        ("parse_ipv4('1.2.3')", "null"),
    ]);
    missing(&["parse_ipv6('::1.2.3.4')"]);
}

#[test]
fn arrays_are_turned_split_and_searched() {
    let words = "dynamic(['this', 'is', 'an', 'example', 'an', 'example'])";
    for (args, expected) in [
        ("'an'", "2"),
        ("'example', 1, 3", "3"),
        ("'example', 1, 2", "-1"),
        ("'is', 2, 4", "-1"),
        ("'example', 2, -1", "3"),
        ("'an', 1, -1, 2", "4"),
        ("'an', 1, -1, 3", "-1"),
        ("'an', -3", "4"),
        ("'is', -4", "-1"),
        ("'is', 0, -2", "null"),
    ] {
        value(&format!("array_index_of({words}, {args})"), expected);
    }
    all(&[
        ("array_rotate_left(dynamic([1,2,3,4,5]), 2)", "[3,4,5,1,2]"),
        ("array_rotate_left(dynamic([1,2,3,4,5]), -2)", "[4,5,1,2,3]"),
        ("array_rotate_right(dynamic([1,2,3,4,5]), 7)", "[4,5,1,2,3]"),
        ("array_rotate_left(dynamic([]), 3)", "[]"),
        ("array_shift_left(dynamic([1,2,3,4,5]), 2)", "[3,4,5,null,null]"),
        ("array_shift_left(dynamic([1,2,3,4,5]), 2, -1)", "[3,4,5,-1,-1]"),
        ("array_shift_left(dynamic([1,2,3,4,5]), -2, -1)", "[-1,-1,1,2,3]"),
        ("array_shift_right(dynamic([1,2,3]), 9)", "[null,null,null]"),
        ("array_split(dynamic([1,2,3,4,5]), 2)", "[[1,2],[3,4,5]]"),
        ("array_split(dynamic([1,2,3,4,5]), dynamic([1,3]))", "[[1],[2,3],[4,5]]"),
        ("array_split(dynamic([1,2,3,4,5]), -1)", "[[1,2,3,4],[5]]"),
        ("array_iff(dynamic([true,false,true]), dynamic([1,2,3]), dynamic([4,5,6]))", "[1,5,3]"),
        ("array_iff(dynamic([1,0,50]), 'yes', 'no')", r#"["yes","no","yes"]"#),
        ("array_iff(dynamic(['some string value', null]), 1, 0)", "[null,null]"),
        ("array_iif(dynamic([true,true,true]), dynamic([1,2]), dynamic([3,4]))", "[1,2,null]"),
        ("array_sort_asc(dynamic([null,'blue','yellow','green',null]))", r#"["blue","green","yellow",null,null]"#),
        ("array_sort_asc(dynamic([null,'blue','yellow','green',null]), false)", r#"[null,null,"blue","green","yellow"]"#),
        ("array_sort_asc(dynamic(['b', 2.5, 'a', 1, true]))", r#"[1,2.5,"a","b",true]"#),
        ("array_sort_desc(dynamic([1, 3, 2]))", "[3,2,1]"),
        ("array_sort_asc(dynamic({'a': 1}))", "null"),
    ]);
    missing(&[
        "array_sort_desc(dynamic([1, 'a']))",
        "array_sort_asc(dynamic([1, '2020-01-01']))",
        "array_sort_asc(dynamic([[1], [2]]))",
        "array_sort_asc(dynamic([1]), dynamic([2]))",
        "array_shift_left(dynamic(['a']), 1)",
        "array_split(dynamic([1]), 5)",
    ]);
}

#[test]
fn bags_and_sets() {
    all(&[
        ("bag_set_key(dynamic({'key1': 1, 'key3': 'abc'}), 'key3', 3)", r#"{"key1":1,"key3":3}"#),
        ("bag_set_key(dynamic({'key1': 123}), '$.key2.prop1', 'abc')", r#"{"key1":123,"key2":{"prop1":"abc"}}"#),
        ("bag_set_key(dynamic([1]), 'a', 1)", "null"),
        ("bag_remove_keys(dynamic({'key1': 123, 'key2': 'abc'}), dynamic(['key2', 'key4']))", r#"{"key1":123}"#),
        (
            "bag_remove_keys(dynamic({'key1': 1, 'key2': {'prop1': 'abc', 'prop2': 'xyz'}, 'key3': [100]}), dynamic(['$.key2.prop1', 'key3']))",
            r#"{"key1":1,"key2":{"prop2":"xyz"}}"#,
        ),
        ("bag_has_key(dynamic({'key2': {'prop1': 'abc'}}), '$.key2.prop1')", "true"),
        ("bag_has_key(dynamic({'key2': {'prop1': 'abc'}}), '$.key2.prop2')", "false"),
        ("bag_has_key(dynamic({'a.b': null}), 'a.b')", "true"),
        ("bag_zip(dynamic(['a','b','c']), dynamic([1,'2',3.4]))", r#"{"a":1,"b":"2","c":3.4}"#),
        ("bag_zip(dynamic(['a','b','c']), dynamic([1,'2']))", r#"{"a":1,"b":"2","c":null}"#),
        ("bag_zip(dynamic(['a', 8, 'b']), dynamic([1,'2',2.5]))", r#"{"a":1,"b":2.5}"#),
        ("bag_zip(dynamic(['a', 8, 'b']), dynamic(1))", r#"{"a":null,"b":null}"#),
        ("isnull(bag_zip(dynamic('a'), dynamic([1])))", "true"),
        ("set_equals(dynamic([1,2,2]), dynamic([2,1]))", "true"),
        ("set_equals(dynamic([1]), dynamic(['1']))", "false"),
        ("jaccard_index(dynamic([1,2,3]), dynamic([1,2,3,4]))", "0.75"),
        (
            "dynamic_to_json(dynamic({'Y10': {}, 'X8': {'c3':1,'d8':5,'a4':6}, 'D1':114, 'A1':12, 'B1':2, 'C1':3, 'A14':[15, 13, 18]}))",
            r#"{"A1":12,"A14":[15,13,18],"B1":2,"C1":3,"D1":114,"X8":{"a4":6,"c3":1,"d8":5},"Y10":{}}"#,
        ),
        ("dynamic_to_json(5)", "5"),
    ]);
    missing(&["bag_set_key(dynamic({}), '$', 1)", "bag_set_key(dynamic({'a': 1}), '$.a.b', 1)", "jaccard_index(dynamic([]), dynamic([]))"]);
    check(
        "datatable(s:string, t:string, n:long)['', 'x', 1, 'y', '', long(null)] | project pack_all(true), bag_pack_columns(s, n)",
        r#"Column1:dynamic,Column2:dynamic | {"t":"x","n":1},{"s":"","n":1} | {"s":"y"},{"s":"y","n":null}"#,
    );
}

struct Places;

impl Outside for Places {
    fn geo(&self, address: &str) -> Option<Arc<Json>> {
        (address == "20.53.203.50")
            .then(|| Arc::new(crate::json::object([("country", "Australia".into()), ("latitude", (-33.8715).into())])))
    }
}

struct World;

impl Catalog for World {
    fn table(&self, _: &str) -> Option<Arc<Table>> {
        None
    }
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        Some(Arc::new(Places))
    }
}

#[test]
fn places_are_those_that_are_registered() {
    let run = |q: &str| show(&run(q, &World, &Options::at(now())).unwrap());
    assert_eq!(run("print c = geo_info_from_ip_address('20.53.203.50').country"), "c:dynamic | Australia");
    assert_eq!(
        run("datatable(i:string)['20.53.203.50', '1.1.1.1', ''] | project isnull(geo_info_from_ip_address(i))"),
        "Column1:bool | false | true | true"
    );
    let e = err("print geo_info_from_ip_address('20.53.203.50')");
    assert_eq!(e.missing.as_deref(), Some("the function 'geo_info_from_ip_address' without registered places"));
    assert_eq!(err("print geo_info_from_ip_address(5)").kind, ErrorKind::Semantic);
}
