use super::*;
use std::collections::HashMap;

#[derive(Default)]
struct Tables(HashMap<String, Arc<Table>>);

impl Catalog for Tables {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.0.get(name).cloned()
    }
    fn table_names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn now() -> i64 {
    parse_datetime("2026-11-21T12:00:00Z").unwrap()
}

fn column(name: &str, ty: Type, cells: Vec<Value>) -> Column {
    Column { name: name.into(), ty, cells }
}

fn s(text: &str) -> Value {
    Value::String(text.into())
}

fn tables() -> Tables {
    let time = |t: &str| Value::DateTime(parse_datetime(t).unwrap());
    let processes = Table {
        columns: vec![
            column("Timestamp", Type::DateTime, vec![time("2026-11-20"), time("2026-11-21"), time("2026-11-01")]),
            column("DeviceName", Type::String, vec![s("alpha"), s("beta"), s("Alpha")]),
            column("FileName", Type::String, vec![s("cmd.exe"), s("powershell.exe"), s("cmd.exe")]),
            column("ProcessId", Type::Long, vec![Value::Long(1), Value::Long(2), Value::Null]),
            column("AdditionalFields", Type::Dynamic, vec![Value::Null, Value::Null, Value::Null]),
        ],
        rows: 3,
    };
    let empty = Table { columns: vec![column("Timestamp", Type::DateTime, vec![]), column("DeviceName", Type::String, vec![])], rows: 0 };
    let mut tables = Tables::default();
    tables.0.insert("DeviceProcessEvents".into(), Arc::new(processes));
    tables.0.insert("DeviceEvents".into(), Arc::new(empty));
    tables
}

fn try_run(query: &str) -> Result<Output, KqlError> {
    run(query, &tables(), &Options::at(now()))
}

fn ok(query: &str) -> Output {
    try_run(query).unwrap_or_else(|e| panic!("{query}\n{e} {:?}", e.kind))
}

fn err(query: &str) -> KqlError {
    match try_run(query) {
        Err(e) => e,
        Ok(o) => panic!("{query}\nanswered {}", show(&o)),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => compare::to_text(other).to_string(),
    }
}

/// `name:type,... | cell,cell | ...`
fn show(output: &Output) -> String {
    let head: Vec<String> = output.table.columns.iter().map(|c| format!("{}:{}", c.name, c.ty.name())).collect();
    let row = |r: usize| output.table.columns.iter().map(|c| cell(&c.cells[r])).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..output.table.rows).map(row).collect();
    std::iter::once(head.join(",")).chain(rows).collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(query: &str, expected: &str) {
    assert_eq!(show(&ok(query)), expected, "{query}");
}

/// The one value of `print x = ...`.
#[track_caller]
fn value(expr: &str, expected: &str) {
    let output = ok(&format!("print x = {expr}"));
    assert_eq!(cell(&output.table.columns[0].cells[0]), expected, "{expr}");
}

#[test]
fn filters_and_projects() {
    check(
        "DeviceProcessEvents | where FileName == 'cmd.exe' | project DeviceName, ProcessId",
        "DeviceName:string,ProcessId:long | alpha,1 | Alpha,null",
    );
}

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
fn repeated_joins_count_their_suffixes() {
    let t = "let t = datatable(k:long, Timestamp:datetime)[1, datetime(2026-01-01)]; ";
    check(
        &format!("{t} t | join t on k | join t on k | getschema | project ColumnName"),
        "ColumnName:string | k | Timestamp | k1 | Timestamp1 | k2 | Timestamp2",
    );
}

#[test]
fn getschema_names_the_platform_types() {
    check(
        "datatable(a:string, b:long, c:bool, d:dynamic, e:datetime, f:int, g:real, h:guid, i:timespan)[] | getschema",
        "ColumnName:string,ColumnOrdinal:long,DataType:string,ColumnType:string | a,0,System.String,string | b,1,System.Int64,long | \
         c,2,System.SByte,bool | d,3,System.Object,dynamic | e,4,System.DateTime,datetime | f,5,System.Int32,int | g,6,System.Double,real | \
         h,7,System.Guid,guid | i,8,System.TimeSpan,timespan",
    );
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
fn not_a_number_sorts_with_nulls_and_equals_nothing() {
    let t = "datatable(r:real)[1.0, real(nan), real(null), real(-inf), 2.0]";
    check(&format!("{t} | sort by r asc"), "r:real | null | NaN | -Infinity | 1.0 | 2.0");
    check(&format!("{t} | sort by r"), "r:real | 2.0 | 1.0 | -Infinity | NaN | null");
    check(&format!("{t} | sort by r desc nulls first"), "r:real | null | NaN | 2.0 | 1.0 | -Infinity");
    check(&format!("{t} | where r == real(nan)"), "r:real");
    check(&format!("{t} | where isnan(r)"), "r:real | NaN");
}

#[test]
fn mixed_arrays_are_not_sorted_by_guess() {
    value("array_sort_asc(dynamic([3, 1, 2]))", "[1,2,3]");
    value("array_sort_desc(dynamic(['b', 'a', null]))", "[\"b\",\"a\",null]");
    let e = err("print array_sort_asc(dynamic([1, 'a']))");
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
fn columns_name_themselves_as_the_service_does() {
    let names = |query: &str| ok(query).table.columns.iter().map(|c| c.name.to_string()).collect::<Vec<_>>().join(",");
    let t = "DeviceProcessEvents |";
    assert_eq!(
        names(&format!(
            "{t} summarize count(), count(), dcount(FileName), sum(ProcessId), make_set(FileName), make_list(FileName), max(ProcessId), countif(true)"
        )),
        "count_,count_1,dcount_FileName,sum_ProcessId,set_FileName,list_FileName,max_ProcessId,countif_"
    );
    assert_eq!(
        names(&format!("{t} summarize arg_max(Timestamp, *) by DeviceName")),
        "DeviceName,Timestamp,FileName,ProcessId,AdditionalFields"
    );
    assert_eq!(
        names(&format!("{t} summarize arg_max(Timestamp, DeviceName, FileName) by DeviceName")),
        "DeviceName,Timestamp,DeviceName1,FileName"
    );
    assert_eq!(names(&format!("{t} summarize Last = arg_max(Timestamp, F = FileName) by D = DeviceName")), "D,Last,F");
    assert_eq!(names(&format!("{t} summarize (a, b) = arg_min(Timestamp, FileName)")), "a,b");
    assert_eq!(names(&format!("{t} summarize count() by bin(Timestamp, 1d), tolower(FileName)")), "Timestamp,Column1,count_");
    assert_eq!(
        names(&format!("{t} summarize any(FileName), take_any(DeviceName), percentiles(ProcessId, 5, 99.5)")),
        "any_FileName,DeviceName,percentile_ProcessId_5,percentile_ProcessId_99_5"
    );
    assert_eq!(
        names(&format!("{t} extend strcat(FileName, 'x'), tostring(ProcessId), strlen(FileName)")),
        "Timestamp,DeviceName,FileName,ProcessId,AdditionalFields,Column1,strlen_FileName"
    );
    assert_eq!(names("print 1, strcat('a', 'b'), y = 2"), "print_0,print_1,y");
}

#[test]
fn summarize_groups_in_order_of_appearance() {
    check(
        "DeviceProcessEvents | summarize n = count(), d = dcount(DeviceName) by FileName",
        "FileName:string,n:long,d:long | cmd.exe,2,2 | powershell.exe,1,1",
    );
    check(
        "DeviceProcessEvents | summarize arg_max(Timestamp, DeviceName) by FileName | project FileName, DeviceName",
        "FileName:string,DeviceName:string | cmd.exe,alpha | powershell.exe,beta",
    );
    check(
        "datatable(x:long)[] | summarize count(), sum(x), avg(x), max(x), make_set(x), dcount(x)",
        "count_:long,sum_x:long,avg_x:real,max_x:long,set_x:dynamic,dcount_x:long | 0,0,NaN,null,[],0",
    );
    check("datatable(x:long)[] | summarize count() by x", "x:long,count_:long");
    check(
        "datatable(x:long)[1, long(null), 3] | summarize sum(x), avg(x), min(x), max(x), count(), make_list(x), make_list_with_nulls(x)",
        "sum_x:long,avg_x:real,min_x:long,max_x:long,count_:long,list_x:dynamic,list_x1:dynamic | 4,2.0,1,3,3,[1,3],[1,null,3]",
    );
    check(
        "datatable(x:long)[1, 2, 3, 4] | summarize r = round(avg(x) * 2, 1), c = count() + 1, stdev(x), variance(x), percentile(x, 50)",
        "r:real,c:long,stdev_x:real,variance_x:real,percentile_x_50:long | 5.0,5,1.2909944487358056,1.6666666666666667,2",
    );
    check(
        "datatable(x:long, s:string)[1, 'a', 2, 'b', 3, 'a'] | summarize sumif(x, s == 'a'), countif(s == 'b'), make_set_if(s, x > 1), dcountif(s, x > 1), maxif(x, s == 'b')",
        "sumif_x:long,countif_:long,set_s:dynamic,dcountif_s:long,maxif_x:long | 4,1,[\"b\",\"a\"],2,2",
    );
    check("datatable(b:dynamic)[dynamic({'a':1}), dynamic({'a':2,'b':3})] | summarize make_bag(b)", "bag_b:dynamic | {\"a\":1,\"b\":3}");
    check(
        "datatable(v:dynamic)[dynamic(['A1', 'A2']), dynamic(['A2', 'C1'])] | summarize s = make_set(v), l = make_list(v)",
        "s:dynamic,l:dynamic | [\"A1\",\"A2\",\"C1\"],[[\"A1\",\"A2\"],[\"A2\",\"C1\"]]",
    );
    check(
        "range x from 1 to 200 step 1 | summarize n = array_length(makeset(x)), m = array_length(make_set(x))",
        "n:long,m:long | 128,200",
    );
    check("datatable(x:long)[3, 3, 1] | summarize by x", "x:long | 3 | 1");
    check("datatable(x:string)['', 'b'] | summarize take_any(x)", "x:string | b");
    check("datatable(x:long)[1,2,3] | summarize make_list(x, 2)", "list_x:dynamic | [1,2]");
    assert_eq!(err("DeviceProcessEvents | summarize count() by AdditionalFields").kind, ErrorKind::Semantic);
    assert_eq!(err("DeviceProcessEvents | summarize FileName").kind, ErrorKind::Semantic);
    assert_eq!(err("DeviceProcessEvents | summarize hll(FileName)").missing.as_deref(), Some("the aggregate 'hll'"));
}

#[test]
fn joins_of_every_kind() {
    let t = "let l = datatable(k:long, a:string)[1,'a1', 1,'a2', 2,'b', long(null),'n'];
        let r = datatable(k:long, b:string)[1,'x', 1,'y', 3,'z', long(null),'m'];";
    let rows = |kind: &str| show(&ok(&format!("{t} l | join {kind} r on k")));
    assert_eq!(rows(""), "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y");
    assert_eq!(rows("kind=inner"), "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y");
    assert_eq!(
        rows("kind=leftouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | 2,b,null, | null,n,null,"
    );
    assert_eq!(
        rows("kind=rightouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | null,,3,z | null,,null,m"
    );
    assert_eq!(
        rows("kind=fullouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | 2,b,null, | null,n,null, | null,,3,z | null,,null,m"
    );
    assert_eq!(rows("kind=leftsemi"), "k:long,a:string | 1,a1 | 1,a2");
    assert_eq!(rows("kind=leftanti"), "k:long,a:string | 2,b | null,n");
    assert_eq!(rows("kind=anti"), rows("kind=leftantisemi"));
    assert_eq!(rows("kind=rightsemi"), "k:long,b:string | 1,x | 1,y");
    assert_eq!(rows("kind=rightanti"), "k:long,b:string | 3,z | null,m");
    check(
        &format!("{t} l | join kind=inner hint.strategy=broadcast (r | project j = k, b) on $left.k == $right.j | project a, b"),
        "a:string,b:string | a1,x | a1,y | a2,x | a2,y",
    );
    check(
        &format!("{t} l | lookup r on k | project k, a, b"),
        "k:long,a:string,b:string | 1,a1,x | 1,a1,y | 1,a2,x | 1,a2,y | 2,b, | null,n,",
    );
    check(&format!("{t} l | lookup kind=inner (r) on k | count"), "Count:long | 4");
    check("datatable(k:long)[1] | join kind=inner (datatable(k:real)[1.0]) on k", "k:long,k1:real | 1,1.0");
    assert_eq!(err(&format!("{t} l | join r on a")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} l | join r on $left.a == $right.k")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} l | join r on k == 1")).kind, ErrorKind::Semantic);
}

#[test]
fn unions_line_up_columns() {
    let t = "let a = datatable(x:long, y:string)[1,'p']; let b = datatable(x:long, z:bool)[2, true]; let c = datatable(x:string)['q'];";
    check(&format!("{t} union a, b"), "x:long,y:string,z:bool | 1,p,null | 2,,true");
    check(&format!("{t} union kind=inner a, b"), "x:long | 1 | 2");
    check(&format!("{t} union a, c"), "x_long:long,y:string,x_string:string | 1,p, | null,,q");
    check(&format!("{t} a | union (b | where x > 1), a | project x"), "x:long | 1 | 2 | 1");
    check("union isfuzzy=true DeviceEvents, Missing, DeviceProcessEvents | count", "Count:long | 3");
    check("union withsource=T DeviceEvents, DeviceProcessEvents | distinct T", "T:string | DeviceProcessEvents");
    check("union Device* | count", "Count:long | 3");
    assert_eq!(err("union Missing, DeviceEvents").kind, ErrorKind::Semantic);
    assert_eq!(err("union isfuzzy=true Missing").kind, ErrorKind::Semantic);
}

#[test]
fn projections() {
    let t = "datatable(a:long, b:string, c:bool, ab:long)[1,'x',true,9]";
    check(&format!("{t} | project-away b, c"), "a:long,ab:long | 1,9");
    check(&format!("{t} | project-away a*"), "b:string,c:bool | x,true");
    check(&format!("{t} | project-keep c, a*"), "a:long,c:bool,ab:long | 1,true,9");
    check(&format!("{t} | project-rename z = a"), "z:long,b:string,c:bool,ab:long | 1,x,true,9");
    check(&format!("{t} | project-reorder c, *"), "c:bool,a:long,b:string,ab:long | true,1,x,9");
    check(&format!("{t} | project-reorder a* desc, c"), "ab:long,a:long,c:bool,b:string | 9,1,true,x");
    check(&format!("{t} | extend a = a + 1, d = a"), "a:long,b:string,c:bool,ab:long,d:long | 2,x,true,9,1");
    check(&format!("{t} | project ['a'], ['my col'] = b"), "a:long,my col:string | 1,x");
    assert!(err(&format!("{t} | extend q = 1, w = q")).message.contains("'q'"));
    assert_eq!(err(&format!("{t} | project a, a = b")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} | project a, a")).kind, ErrorKind::Semantic);
    assert_eq!(err("print todatetime('11/21/2026 10:00')").kind, ErrorKind::Unsupported);
    assert_eq!(err(&format!("{t} | project-rename b = a")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} | project-away zz")).kind, ErrorKind::Semantic);
}

#[test]
fn sorting_taking_counting() {
    let t = "datatable(a:long, b:string)[2,'x', 1,'y', long(null),'z', 2,'w']";
    check(&format!("{t} | sort by a"), "a:long,b:string | 2,x | 2,w | 1,y | null,z");
    check(&format!("{t} | order by a asc, b asc"), "a:long,b:string | null,z | 1,y | 2,w | 2,x");
    check(&format!("{t} | sort by a asc nulls last | take 1"), "a:long,b:string | 1,y");
    check(&format!("{t} | top 2 by b asc"), "a:long,b:string | 2,w | 2,x");
    check(&format!("{t} | count"), "Count:long | 4");
    check(&format!("{t} | limit 0"), "a:long,b:string");
    check(&format!("{t} | distinct a"), "a:long | 2 | 1 | null");
    check(&format!("{t} | project a | distinct *"), "a:long | 2 | 1 | null");
    assert_eq!(err("DeviceProcessEvents | sort by AdditionalFields").kind, ErrorKind::Semantic);
}

#[test]
fn rows_know_their_neighbours_when_they_are_in_order() {
    check(
        "datatable(a:long)[3, 1, 2] | sort by a asc | extend n = row_number(), p = prev(a), q = next(a, 1, -1)",
        "a:long,n:long,p:long,q:long | 1,1,null,2 | 2,2,1,3 | 3,3,2,-1",
    );
    check("datatable(a:long)[3, 1] | serialize n = row_number(0)", "a:long,n:long | 3,0 | 1,1");
    assert_eq!(err("datatable(a:long)[3, 1] | extend n = row_number()").kind, ErrorKind::Semantic);
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
fn rows_are_expanded() {
    let t = "datatable(id:long, v:dynamic, w:dynamic)[1, dynamic([10, 20]), dynamic(['a']), 2, dynamic([]), dynamic(null), 3, dynamic({'k':1,'l':2}), dynamic(null), 4, dynamic(null), dynamic(null)]";
    check(&format!("{t} | project id, v | mv-expand v"), "id:long,v:dynamic | 1,10 | 1,20 | 3,{\"k\":1} | 3,{\"l\":2} | 4,null");
    check(
        &format!("{t} | where id == 1 | mv-expand with_itemindex=i v to typeof(long), w to typeof(string)"),
        "id:long,v:long,w:string,i:long | 1,10,a,0 | 1,20,,1",
    );
    check(&format!("{t} | where id == 1 | mv-expand x = v limit 1 | project id, x"), "id:long,x:dynamic | 1,10");
    check("print x = 'a;b' | mv-expand p = split(x, ';') to typeof(string)", "x:string,p:string | a;b,a | a;b,b");
    assert_eq!(err("print x = 'a' | mv-expand x").kind, ErrorKind::Semantic);
}

#[test]
fn text_is_parsed_by_pattern() {
    let t = "datatable(s:string)['user=bob id=7 end', 'user=eve id=x end', 'other']";
    check(&format!("{t} | parse s with 'user=' u:string ' id=' i:long ' ' * | project u, i"), "u:string,i:long | bob,7 | ,null | ,null");
    check(
        &format!("{t} | parse kind=relaxed s with 'user=' u ' id=' i:long ' ' rest | project u, i, rest"),
        "u:string,i:long,rest:string | bob,7,end | eve,null,end | ,null,",
    );
    check(&format!("{t} | parse-where s with * 'id=' i:long ' ' * | project i"), "i:long | 7");
    assert_eq!(err(&format!("{t} | parse kind=regex s with 'a' b")).kind, ErrorKind::Unsupported);
}

#[test]
fn strings() {
    for (expr, expected) in [
        ("strcat('a', 1, true, long(null))", "a1true"),
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
    assert_eq!(err("print bag_has_key(dynamic({'a':1}), '$.a.b')").kind, ErrorKind::Unsupported);
    assert_eq!(err("print range(1, 10000000000)").kind, ErrorKind::Limit);
    assert_eq!(err("print iff(true, 1, 'a')").kind, ErrorKind::Semantic);
    check("range x from 1 to 5 step 2", "x:long | 1 | 3 | 5");
    check("range x from datetime(2026-01-01) to datetime(2026-01-02) step 12h | count", "Count:long | 3");
    check(
        "DeviceProcessEvents | take 1 | project p = pack_all() | project p.DeviceName, q = column_ifexists('zz', 'none')",
        "p_DeviceName:dynamic,q:string | alpha,none",
    );
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    for (query, missing) in [
        ("DeviceEvents | invoke FileProfile('SHA1')", "the operator 'invoke'"),
        ("DeviceEvents | evaluate bag_unpack(x)", "the operator 'evaluate'"),
        ("DeviceEvents | make-series count() on Timestamp step 1d", "the operator 'make-series'"),
        ("DeviceEvents | mv-apply x on (take 1)", "the operator 'mv-apply'"),
        ("externaldata (a:string) ['https://x']", "externaldata"),
        ("search 'x'", "the operator 'search'"),
        ("find in (DeviceEvents) where true", "the operator 'find'"),
        ("print rand()", "the function 'rand'"),
        ("print geo_info_from_ip_address('1.1.1.1')", "the function 'geo_info_from_ip_address'"),
        ("print series_stats(dynamic([1]))", "the function 'series_stats'"),
        ("print decimal(1)", "the type decimal"),
        ("set notruncation; DeviceEvents", "the 'set' statement"),
        ("DeviceEvents | where * has 'x'", "searching all columns with '*'"),
        ("DeviceEvents; DeviceEvents", "more than one tabular statement"),
    ] {
        let e = err(query);
        assert_eq!((e.kind, e.missing.as_deref()), (ErrorKind::Unsupported, Some(missing)), "{query}: {e}");
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
fn empty_tables_have_their_columns() {
    check("DeviceEvents | where DeviceName == 'x' | extend n = strlen(DeviceName)", "Timestamp:datetime,DeviceName:string,n:long");
    check(
        "DeviceEvents | join kind=leftouter DeviceProcessEvents on DeviceName | project Timestamp1, ProcessId",
        "Timestamp1:datetime,ProcessId:long",
    );
    check("DeviceEvents | summarize count()", "count_:long | 0");
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

mod properties {
    use super::*;
    use proptest::prelude::*;

    const WORDS: [&str; 70] = [
        "DeviceProcessEvents",
        "DeviceEvents",
        "FileName",
        "ProcessId",
        "Timestamp",
        "AdditionalFields",
        "|",
        "where",
        "project",
        "extend",
        "summarize",
        "by",
        "join",
        "kind=inner",
        "on",
        "union",
        "let",
        "=",
        ";",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "==",
        "!=",
        "=~",
        "!",
        "in",
        "~",
        "has",
        "has_any",
        "and",
        "or",
        "not",
        "+",
        "-",
        "*",
        "/",
        "%",
        "..",
        ".",
        ":",
        "'a'",
        "\"b\"",
        "1",
        "2.5",
        "1d",
        "datetime(2026-01-01)",
        "dynamic([1,'a'])",
        "count()",
        "dcount(FileName)",
        "arg_max(Timestamp, *)",
        "strcat",
        "tostring",
        "bin",
        "sort",
        "top",
        "take",
        "mv-expand",
        "parse",
        "with",
        "datatable(a:long)[1]",
        "print",
        "range x from 1 to 3 step 1",
        "toscalar",
        "between",
        "$left.a",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_soup_of_words_panics(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..24)) {
            let query = words.join(" ");
            if let Err(e) = try_run(&query) {
                prop_assert!(!e.message.contains("fault of the sandbox"), "{}", query);
                prop_assert!(e.start <= query.len() && e.line >= 1 && e.column >= 1);
            }
            let piped = format!("DeviceProcessEvents | {query}");
            if let Err(e) = try_run(&piped) {
                prop_assert!(!e.message.contains("fault of the sandbox"), "{}", piped);
            }
        }

        #[test]
        fn no_text_panics(query in "\\PC{0,40}") {
            if let Err(e) = try_run(&query) {
                prop_assert!(!e.message.contains("fault of the sandbox"));
            }
        }

        #[test]
        fn where_keeps_what_a_plain_filter_keeps(cells in prop::collection::vec((prop::option::of(-5i64..5), "[abAB]{0,3}"), 0..40), bound in -5i64..5, text in "[abAB]{1,2}") {
            let numbers = cells.iter().map(|(n, _)| n.map_or(Value::Null, Value::Long)).collect();
            let texts = cells.iter().map(|(_, t)| s(t)).collect();
            let table = Table { columns: vec![column("n", Type::Long, numbers), column("t", Type::String, texts)], rows: cells.len() };
            let mut tables = Tables::default();
            tables.0.insert("T".into(), Arc::new(table));
            let query = format!("T | where (n > {bound} and t contains '{text}') or t =~ '{text}' | project n, t");
            let output = run(&query, &tables, &Options::at(now())).unwrap();
            let lower = text.to_lowercase();
            let kept: Vec<String> = cells
                .iter()
                .filter(|(n, t)| (n.is_some_and(|n| n > bound) && t.to_lowercase().contains(&lower)) || t.to_lowercase() == lower)
                .map(|(n, t)| format!("{},{t}", n.map_or("null".to_owned(), |n| n.to_string())))
                .collect();
            let got: Vec<String> = (0..output.table.rows).map(|r| format!("{},{}", cell(&output.table.columns[0].cells[r]), cell(&output.table.columns[1].cells[r]))).collect();
            prop_assert_eq!(got, kept);
        }

        #[test]
        fn dates_survive_their_text(t in 0..=datetime::MAX_DATETIME) {
            prop_assert_eq!(parse_datetime(&format_datetime(t)), Some(t));
            let p = datetime::parts(t);
            prop_assert_eq!(datetime::ticks(p.year, p.month, p.day, p.of_day), Some(t));
        }

        #[test]
        fn timespans_survive_their_text(t in -datetime::MAX_DATETIME..datetime::MAX_DATETIME) {
            prop_assert_eq!(parse_timespan(&format_timespan(t)), Some(t));
        }
    }
}
