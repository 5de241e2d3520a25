//! `summarize` and the names of columns.

use super::*;

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

/// As Microsoft's binder names them: a given name gives way to one that an aggregate made, but never to a given one.
#[test]
fn given_names_give_way_to_made_ones() {
    let names = |query: &str| ok(query).table.columns.iter().map(|c| c.name.to_string()).collect::<Vec<_>>().join(",");
    let t = "datatable(A:string, M:long, T:datetime)['a', 7, datetime(2020-01-01), 'b', 8, datetime(2020-01-02)] | summarize";
    assert_eq!(names(&format!("{t} arg_max(T, *), M = dcount(A) by A")), "A,T,M,M1");
    assert_eq!(names(&format!("{t} arg_max(T, *), M = dcount(A), M = count() by A")), "A,T,M,M1,M2");
    assert_eq!(names(&format!("{t} count(), count_ = dcount(A)")), "count_,count_1");
    assert_eq!(names(&format!("{t} T = min(T) by bin(T, 1h)")), "T,T1");
    assert_eq!(names(&format!("{t} arg_max(T, M), (T, M) = arg_max(T, M)")), "T,M,T1,M1");
    assert_eq!(names(&format!("{t} take_any(M), M = count()")), "M,M1");
    for wrong in [
        "M = dcount(A), M = count() by A",
        "arg_max(T, *), A = min(T) by A",
        "arg_max(T, M), M = min(T), M1 = min(T)",
        "M = count(), (T, M) = arg_max(T, M)",
        "by M = A, M",
    ] {
        assert_eq!(err(&format!("{t} {wrong}")).kind, ErrorKind::Semantic, "{wrong}");
    }
}

#[test]
fn texts_side_by_side_are_one_in_dynamic_literals() {
    assert_eq!(show(&ok("print d = tostring(dynamic(['a' // one\n \"b\", 'c']))")), "d:string | [\"ab\",\"c\"]");
    assert_eq!(show(&ok("print d = tostring(dynamic({'k': 'x' 'y'}))")), "d:string | {\"k\":\"xy\"}");
    assert_eq!(err("print dynamic(['a' 1])").kind, ErrorKind::Syntax);
    assert_eq!(err("print dynamic([1 2])").kind, ErrorKind::Syntax);
}
