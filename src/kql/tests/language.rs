//! Literals, `let`, and what a refused query is told.

use super::*;

#[test]
fn literals() {
    value("1.5h", "01:30:00");
    value("-1d", "-1.00:00:00");
    value("1tick", "00:00:00.0000001");
    value("100ms + 1us", "00:00:00.1000010");
    value("0x10", "16");
    value("1e3", "1000.0");
    value(r#"@'c:\dir' "#, r"c:\dir");
    value("@'it''s'", "it's");
    value(r#"'a\tb\u0041\\'"#, "a\tbA\\");
    value("```a\nb```", "a\nb");
    value("h'secret'", "secret");
    value("'a' 'b'", "ab");
    value("datetime(2026-01-02)", "2026-01-02T00:00:00.0000000Z");
    value("datetime(2026-01-02 03:04:05.1234567)", "2026-01-02T03:04:05.1234567Z");
    value("datetime(null)", "null");
    value("timespan(1.02:03:04)", "1.02:03:04");
    value("guid(74BE27DE-1E4E-49D9-B579-FE0B331D3642)", "74be27de-1e4e-49d9-b579-fe0b331d3642");
    value("long(null)", "null");
    value("real(nan)", "NaN");
    value("int(-5)", "-5");
    value("bool(true)", "true");
    value("dynamic({'a':[1,-2.5,null,true,\"x\"]}) // note", "{\"a\":[1,-2.5,null,true,\"x\"]}");
    value("dynamic(null)", "null");
}

#[test]
fn lets_views_and_functions() {
    check(
        "let n = 2; let f = (x:long, y:long = 10) { x * n + y }; print f(1), f(1, 1), f(y=3, x=1)",
        "print_0:long,print_1:long,print_2:long | 12,3,5",
    );
    check("let f = (x:string) { tolower(x) }; DeviceProcessEvents | project n = f(DeviceName) | distinct n", "n:string | alpha | beta");
    check("let v = () { DeviceProcessEvents | where ProcessId == 1 }; v() | count", "Count:long | 1");
    check("let v = view () { DeviceProcessEvents }; v | count", "Count:long | 3");
    check("let f = (t:(a:long), m:long) { t | where a > m }; datatable(a:long)[1, 5] | as src | union (f(src, 2))", "a:long | 1 | 5 | 5");
    check("let f = (T:(*)) { T | count }; f(DeviceProcessEvents)", "Count:long | 3");
    check(
        "let f = (d:string) { let x = 'alpha'; DeviceProcessEvents | where DeviceName == d and DeviceName == x }; f('alpha') | count",
        "Count:long | 1",
    );
    check("let m = materialize(DeviceProcessEvents | where ProcessId > 0); m | union m | count", "Count:long | 4");
    check("let c = toscalar(DeviceProcessEvents | count); print c + 1", "print_0:long | 4");
    check("DeviceProcessEvents | extend c = toscalar(DeviceEvents | count) | project c | take 1", "c:long | 0");
    check("let t = ago(1d); DeviceProcessEvents | where Timestamp > t | count", "Count:long | 1");
    check(
        "let g = (y:long) { y + 1 }; let f = (x:long) { let z = x * 2; g(z) }; datatable(a:long)[1, 2] | project b = f(a)",
        "b:long | 3 | 5",
    );
    let e = err(
        "let f = (d:string) { toscalar(DeviceProcessEvents | where DeviceName == d | count) }; DeviceProcessEvents | extend c = f(FileName)",
    );
    assert_eq!(e.missing.as_deref(), Some("a sub-query that depends on the row around it"));
    check("let f = (d:string) { toscalar(DeviceProcessEvents | where DeviceName == d | count) }; print f('beta')", "print_0:long | 1");
    assert_eq!(err("let f = (x:long) { x }; print f('a')").kind, ErrorKind::Semantic);
    assert_eq!(err("let f = (x:long) { x }; print f()").kind, ErrorKind::Semantic);
    assert_eq!(err("let f = () { nope }; print 1").kind, ErrorKind::Semantic);
    assert_eq!(err("let x = 1;").kind, ErrorKind::Syntax);
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    for (query, missing) in [
        ("DeviceEvents | reduce by DeviceName", "the operator 'reduce'"),
        ("DeviceEvents | fork (take 1) (count)", "the operator 'fork'"),
        ("DeviceEvents | facet by DeviceName", "the operator 'facet'"),
        ("DeviceEvents | consume", "the operator 'consume'"),
        ("DeviceEvents | parse-kv DeviceName as (a:string)", "the operator 'parse-kv'"),
        ("DeviceEvents | assert-schema (a:string)", "the operator 'assert-schema'"),
        ("AssignedIPAddresses('d', ago(1d))", "the function 'AssignedIPAddresses'"),
        ("cluster('x').database('y').T", "tables of another place: cluster()"),
        ("DeviceEvents | union database('y').T", "tables of another place: database()"),
        ("restrict access to (DeviceEvents); DeviceEvents", "the 'restrict' statement"),
        ("declare query_parameters(x:long); print x", "the query parameter 'x' without a default value"),
        ("print hash_many('a', 'b')", "the function 'hash_many'"),
        ("print geo_info_from_ip_address('1.1.1.1')", "the function 'geo_info_from_ip_address' without registered places"),
        ("print parse_user_agent('x', 'browser')", "the function 'parse_user_agent'"),
        ("print series_stats(dynamic([1]))", "the function 'series_stats'"),
        ("print decimal(1)", "the type decimal"),
        ("set notruncation; DeviceEvents", "the 'set' statement"),
        ("DeviceEvents | where * == 'x'", "'*' in this place"),
        ("DeviceEvents; DeviceEvents", "more than one tabular statement"),
    ] {
        let e = err(query);
        assert_eq!((e.kind, e.missing.as_deref()), (ErrorKind::Unsupported, Some(missing)), "{query}: {e}");
    }
}

#[test]
fn print_and_union_begin_with_any_operand() {
    check("print +1, -1", "print_0:long,print_1:long | 1,-1");
    check("union ['DeviceEvents'], DeviceEvents | count", "Count:long | 0");
    for query in ["print long(-0x8000000000000000)", "print int(-0x8000000000000000)", "print dynamic(-0x8000000000000000)"] {
        assert_eq!(err(query).kind, ErrorKind::Syntax, "{query}");
    }
}

#[test]
fn mistakes_are_placed_and_hinted() {
    let e = err("DeviceProcessEvents\n| where FileNam == 'x'");
    assert_eq!((e.kind, e.line, e.column), (ErrorKind::Semantic, 2, 9));
    assert_eq!(e.start..e.end, 28..35);
    assert_eq!(e.message, "no column or scalar named 'FileNam'. Did you mean 'FileName'?");
    assert_eq!(err("DeviceProcesEvents | count").message, "no table named 'DeviceProcesEvents'. Did you mean 'DeviceProcessEvents'?");
    assert_eq!(err("print tolowr('a')").message, "no function named 'tolowr'. Did you mean 'tolower'?");
    assert_eq!(err("DeviceEvents | sumarize count()").message, "'sumarize' is no operator. Did you mean 'summarize'?");
    for query in [
        "",
        "DeviceEvents |",
        "DeviceEvents | where",
        "print (1",
        "print 'a",
        "print 1 2",
        "DeviceEvents | project a b",
        "DeviceEvents | where x ==",
        "print ?",
        "print 5zz",
        "DeviceEvents | take",
    ] {
        let e = err(query);
        assert_eq!(e.kind, ErrorKind::Syntax, "{query}: {e}");
        assert!(e.start <= query.len() && e.end <= query.len() + 1, "{query}: {e:?}");
    }
    for query in [
        "DeviceEvents | where DeviceName > 1",
        "DeviceEvents | where Timestamp == 'x'",
        "DeviceEvents | where DeviceName",
        "print 1 | where print_0 == 'x' and nope",
        "DeviceEvents | take 'a'",
    ] {
        assert!(matches!(err(query).kind, ErrorKind::Semantic | ErrorKind::Unsupported), "{query}");
    }
}

#[test]
fn the_window_and_the_cap_hold() {
    let options =
        Options { window: Some((parse_datetime("2026-11-20").unwrap(), parse_datetime("2026-11-21").unwrap())), ..Options::at(now()) };
    assert_eq!(show(&run("DeviceProcessEvents | project DeviceName", &tables(), &options).unwrap()), "DeviceName:string | alpha");
    let options = Options { max_rows: 2, ..Options::at(now()) };
    let output = run("DeviceProcessEvents | render piechart", &tables(), &options).unwrap();
    assert_eq!((output.table.rows, output.truncated, output.rendered.as_deref()), (2, true, Some("piechart")));
    let e = err(
        "range a from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | count",
    );
    assert_eq!(e.kind, ErrorKind::Limit);
    assert_eq!(err("range a from 1 to 1000000000 step 1").kind, ErrorKind::Limit);
    let bomb: String = (0..40).map(|i| format!("let f{} = (x:long) {{ f{i}(x) + f{i}(x) }}; ", i + 1)).collect();
    assert_eq!(err(&format!("let f0 = (x:long) {{ x }}; {bomb} datatable(a:long)[1] | extend b = f40(a)")).kind, ErrorKind::Limit);
}

#[test]
fn depth_is_bounded_and_harmless() {
    for query in [
        format!("print {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("print {}1", "-".repeat(50_000)),
        format!("print dynamic({}", "[".repeat(50_000)),
        format!("print x = 1 {}", "+ 1 ".repeat(50_000)),
        format!("print x = dynamic(1){}", "[0]".repeat(50_000)),
        format!("print x = 1 {}", "== 1 ".repeat(50_000)),
        format!("{}print 1", "print 1 | union (".repeat(50_000)),
    ] {
        assert!(matches!(err(&query).kind, ErrorKind::Limit | ErrorKind::Syntax), "{}", &query[..40]);
    }
    let wide = format!("print x = false {}", "or 'a' == 'b' ".repeat(5_000));
    check(&wide, "x:bool | false");
    let long = format!("range x from 1 to 3 step 1 {}", "| where x > 1 ".repeat(5_000));
    check(&format!("{long} | count"), "Count:long | 2");
    let lets: String = (0..5_000).map(|i| format!("let v{} = v{i}; ", i + 1)).collect();
    check(&format!("let v0 = 1; {lets} print v5000"), "print_0:long | 1");
    let scalars = |n: usize| {
        (0..n).map(|i| format!("let s{} = toscalar(range x from 1 to 1 step 1 | where x <= s{i} | count); ", i + 1)).collect::<String>()
    };
    check(&format!("let s0 = 1; {} print s900", scalars(900)), "print_0:long | 1");
    assert_eq!(err(&format!("let s0 = 1; {} print s5000", scalars(5_000))).kind, ErrorKind::Limit);
    let lists = |n: usize| (0..n).map(|i| format!("let l{} = range x from 1 to 1 step 1 | where x in (l{i}); ", i + 1)).collect::<String>();
    check(&format!("let l0 = range x from 1 to 1 step 1; {} l900 | count", lists(900)), "Count:long | 1");
    assert_eq!(err(&format!("let l0 = range x from 1 to 1 step 1; {} l5000", lists(5_000))).kind, ErrorKind::Limit);
    let views: String = (0..5_000).map(|i| format!("let v{} = v{i} | where a > 0; ", i + 1)).collect();
    assert_eq!(err(&format!("let v0 = datatable(a:long)[1]; {views} v5000")).kind, ErrorKind::Limit);
}
