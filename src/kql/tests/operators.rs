//! The other tabular operators.

use super::*;

#[test]
fn filters_and_projects() {
    check(
        "DeviceProcessEvents | where FileName == 'cmd.exe' | project DeviceName, ProcessId",
        "DeviceName:string,ProcessId:long | alpha,1 | Alpha,null",
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
fn not_a_number_sorts_with_nulls_and_equals_nothing() {
    let t = "datatable(r:real)[1.0, real(nan), real(null), real(-inf), 2.0]";
    check(&format!("{t} | sort by r asc"), "r:real | null | NaN | -Infinity | 1.0 | 2.0");
    check(&format!("{t} | sort by r"), "r:real | 2.0 | 1.0 | -Infinity | NaN | null");
    check(&format!("{t} | sort by r desc nulls first"), "r:real | null | NaN | 2.0 | 1.0 | -Infinity");
    check(&format!("{t} | where r == real(nan)"), "r:real");
    check(&format!("{t} | where isnan(r)"), "r:real | NaN");
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
    assert_eq!(err(&format!("{t} | project-away a, zz*")).kind, ErrorKind::Semantic);
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
    let other = err("datatable(t:datetime)[datetime(2026-01-01)] | serialize | extend n = next(t, 1, 0)");
    assert_eq!(other.missing.as_deref(), Some("next() of a datetime with a default of another type"));
    assert_eq!(err("print datetime(2026-13-40 10:00)").kind, ErrorKind::Syntax);
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
fn empty_tables_have_their_columns() {
    check("DeviceEvents | where DeviceName == 'x' | extend n = strlen(DeviceName)", "Timestamp:datetime,DeviceName:string,n:long");
    check(
        "DeviceEvents | join kind=leftouter DeviceProcessEvents on DeviceName | project Timestamp1, ProcessId",
        "Timestamp1:datetime,ProcessId:long",
    );
    check("DeviceEvents | summarize count()", "count_:long | 0");
}
