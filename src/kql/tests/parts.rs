//! Sub-queries over parts of the rows: `mv-apply`, `partition`.

use super::*;

#[test]
fn each_record_is_a_table_of_its_elements() {
    let t = "datatable(index:int, arr:dynamic)[0, dynamic([5, 1, 3]), 1, dynamic([4, 10, 8, 7]), 2, dynamic([]), 3, dynamic(null)]";
    check(&format!("{t} | mv-apply e=arr to typeof(long) on (top 1 by e) | project-away arr"), "index:int,e:long | 0,5 | 1,10 | 3,null");
    check(
        &format!("{t} | where index < 2 | mv-apply e=arr to typeof(long) on (top 2 by e | summarize s=make_list(e))"),
        "index:int,arr:dynamic,s:dynamic | 0,[5,1,3],[5,3] | 1,[4,10,8,7],[10,8]",
    );
    check(
        &format!("{t} | mv-apply with_itemindex=i v=arr to typeof(long) on (where i >= 2) | project-away arr"),
        "index:int,v:long,i:long | 0,3,2 | 1,8,2 | 1,7,3",
    );
    check(
        "datatable(v:int, a:dynamic, b:dynamic)[1, dynamic(['A1','A2']), dynamic(['B1','B2','B3'])] | mv-apply x=a, y=b on (extend o = strcat(x, '_', y) | summarize o = make_list(o)) | project o",
        "o:dynamic | [\"A1_B1\",\"A2_B2\",\"_B3\"]",
    );
    check(
        "datatable(k:string, arr:dynamic)['p', dynamic([1, 2])] | mv-apply arr to typeof(long) on (where arr > 1)",
        "k:string,arr:long | p,2",
    );
    check(
        "datatable(k:string, arr:dynamic)['p', dynamic([1, 2])] | mv-apply e=arr to typeof(long) on (summarize s=sum(e), k=count())",
        "k:long,arr:dynamic,s:long | 2,[1,2],3",
    );
    check(
        "datatable(k:long, arr:dynamic)[1, dynamic(['a','b']), 2, dynamic(['c'])] | mv-apply e=arr to typeof(string) on (join kind=inner (datatable(e:string, w:long)['a', 7, 'c', 8]) on e | project w)",
        "k:long,arr:dynamic,w:long | 1,[\"a\",\"b\"],7 | 2,[\"c\"],8",
    );
    check(
        "datatable(k:long, arr:dynamic)[1, dynamic([[1,2],[3]])] | mv-apply e=arr on (mv-apply f=e to typeof(long) on (summarize n=sum(f)) | summarize m=make_list(n)) | project m",
        "m:dynamic | [3,3]",
    );
    check(
        "datatable(k:long, b:dynamic)[1, dynamic({'x':1,'y':2})] | mv-expand kind=array b",
        "k:long,b:dynamic | 1,[\"x\",1] | 1,[\"y\",2]",
    );
    let e = err(&format!("{t} | mv-apply e=arr on (as all | where e == toscalar(all | count))"));
    assert_eq!(e.missing.as_deref(), Some("a scalar sub-query over the part that mv-apply or partition is at"));
    assert_eq!(err(&format!("{t} | mv-apply x=index on (take 1)")).kind, ErrorKind::Semantic);
}

#[test]
fn rows_are_parted_by_a_column() {
    let t = "datatable(k:string, n:long)['a', 1, 'b', 5, 'a', 3, '', 2]";
    check(&format!("{t} | partition by k (top 1 by n)"), "k:string,n:long | a,3 | b,5 | ,2");
    check(&format!("{t} | partition hint.strategy=native by k (summarize s = sum(n))"), "s:long | 4 | 5 | 2");
    check(&format!("{t} | take 0 | partition by k (count)"), "Count:long");
    check(
        &format!("{t} | sort by n asc | partition hint.strategy=native by k (extend p = prev(n))"),
        "k:string,n:long,p:long | a,1,null | a,3,1 | ,2,null | b,5,null",
    );
    assert_eq!(err("range x from 1 to 65 step 1 | partition by x (count)").kind, ErrorKind::Limit);
    check("range x from 1 to 65 step 1 | partition hint.strategy=shuffle by x (count) | count", "Count:long | 65");
    assert_eq!(err(&format!("{t} | partition hint.strategy=native by k (union DeviceEvents)")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} | partition by k {{ DeviceEvents }}")).missing.as_deref(), Some("partition with a query in braces"));
}
