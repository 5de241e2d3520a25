//! `join`, `lookup` and `union`.

use super::*;

#[test]
fn repeated_joins_count_their_suffixes() {
    let t = "let t = datatable(k:long, Timestamp:datetime)[1, datetime(2026-01-01)]; ";
    check(
        &format!("{t} t | join t on k | join t on k | getschema | project ColumnName"),
        "ColumnName:string | k | Timestamp | k1 | Timestamp1 | k2 | Timestamp2",
    );
}

#[test]
fn joins_of_every_kind() {
    let t = "let l = datatable(k:long, a:string)[1,'a1', 1,'a2', 2,'b', long(null),'n'];
        let r = datatable(k:long, b:string)[1,'x', 1,'y', 3,'z', long(null),'m'];";
    let rows = |kind: &str| show(&ok(&format!("{t} l | join {kind} r on k")));
    assert_eq!(rows(""), "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | null,n,null,m");
    assert_eq!(rows("kind=inner"), "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | null,n,null,m");
    assert_eq!(
        rows("kind=leftouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | 2,b,null, | null,n,null,m"
    );
    assert_eq!(
        rows("kind=rightouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | null,n,null,m | null,,3,z"
    );
    assert_eq!(
        rows("kind=fullouter"),
        "k:long,a:string,k1:long,b:string | 1,a1,1,x | 1,a1,1,y | 1,a2,1,x | 1,a2,1,y | 2,b,null, | null,n,null,m | null,,3,z"
    );
    assert_eq!(rows("kind=leftsemi"), "k:long,a:string | 1,a1 | 1,a2 | null,n");
    assert_eq!(rows("kind=leftanti"), "k:long,a:string | 2,b");
    assert_eq!(rows("kind=anti"), rows("kind=leftantisemi"));
    assert_eq!(rows("kind=rightsemi"), "k:long,b:string | 1,x | 1,y | null,m");
    assert_eq!(rows("kind=rightanti"), "k:long,b:string | 3,z");
    check(
        &format!("{t} l | join kind=inner hint.strategy=broadcast (r | project j = k, b) on $left.k == $right.j | project a, b"),
        "a:string,b:string | a1,x | a1,y | a2,x | a2,y | n,m",
    );
    check(
        &format!("{t} l | lookup r on k | project k, a, b"),
        "k:long,a:string,b:string | 1,a1,x | 1,a1,y | 1,a2,x | 1,a2,y | 2,b, | null,n,m",
    );
    check(&format!("{t} l | lookup kind=inner (r) on k | count"), "Count:long | 5");
    assert_eq!(err("datatable(k:long)[1] | join kind=inner (datatable(k:real)[1.0]) on k").kind, ErrorKind::Semantic);
    assert_eq!(err("datatable(k:long)[1] | join kind=inner (datatable(k:int)[1]) on k").kind, ErrorKind::Semantic);
    check("datatable(k:long)[1] | join kind=inner (datatable(j:int)[1]) on $left.k == $right.j", "k:long,j:int | 1,1");
    assert_eq!(err(&format!("{t} l | join r on $right.k == $left.k")).kind, ErrorKind::Semantic);
    check(&format!("{t} l | join kind=inner r on k | project-away *1 | take 1"), "k:long,a:string,b:string | 1,a1,x");
    assert_eq!(err(&format!("{t} l | join r on a")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} l | join r on $left.a == $right.k")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} l | join r on k == 1")).kind, ErrorKind::Semantic);
}

#[test]
fn unions_line_up_columns() {
    let t = "let a = datatable(x:long, y:string)[1,'p']; let b = datatable(x:long, z:bool)[2, true]; let c = datatable(x:string)['q'];";
    check(&format!("{t} union a, b"), "x:long,y:string,z:bool | 1,p,null | 2,,true");
    check(&format!("{t} union kind=inner a, b"), "x:long | 1 | 2");
    check(&format!("{t} union a, c"), "x_long:long,x_string:string,y:string | 1,,p | null,q,");
    check(&format!("{t} a | union (b | where x > 1), a | project x"), "x:long | 1 | 2 | 1");
    check("union isfuzzy=true DeviceEvents, Missing, DeviceProcessEvents | count", "Count:long | 3");
    check("union withsource=T DeviceEvents, DeviceProcessEvents | distinct T", "T:string | DeviceProcessEvents");
    check("union withsource=T DeviceEvents, (DeviceProcessEvents | take 1) | distinct T", "T:string | union_arg1");
    check("union Device* | count", "Count:long | 3");
    assert_eq!(err("union Missing, DeviceEvents").kind, ErrorKind::Semantic);
    assert_eq!(err("union isfuzzy=true Missing").kind, ErrorKind::Semantic);
}
