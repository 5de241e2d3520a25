//! `search`, `find` and `* has`.

use super::*;

#[test]
fn every_column_of_text_is_searched() {
    let t = "let T = datatable(a:string, d:dynamic, n:long)['red fox', dynamic(null), 1, '', dynamic({'k':'RED'}), 2, 'redder', dynamic(['x']), 3];
        let U = datatable(b:string, a:string)['x', 'blue', 'red', 'y'];";
    check(&format!("{t} T | where * has 'red' | project n"), "n:long | 1 | 2");
    check(&format!("{t} T | search 'red' | project n"), "n:long | 1 | 2");
    check(&format!("{t} T | search 'red*' | project n"), "n:long | 1 | 2 | 3");
    check(&format!("{t} T | search '*er' | project n"), "n:long | 3");
    check(&format!("{t} T | search '*edd*' | project n"), "n:long | 3");
    check(&format!("{t} T | search a:'red' | project n"), "n:long | 1");
    check(&format!("{t} T | search kind=case_sensitive 'RED' | project n"), "n:long | 2");
    check(&format!("{t} T | search 'red' and n > 1 or 'redder' | project n"), "n:long | 2 | 3");
    check(&format!("{t} T | search not('red') | project n"), "n:long | 3");
    check(
        &format!("{t} search in (T, U) 'red' | project-away d"),
        "$table:string,a:string,n:long,b:string | union_arg0,red fox,1, | union_arg0,,2, | union_arg1,y,null,red",
    );
    check(&format!("{t} search in (T, U) n == 3 or b == 'x' | project a"), "a:string | redder | blue");
    check(&format!("{t} search in (U) * | count"), "Count:long | 2");
    let e = err(&format!("{t} T | search '3'"));
    assert_eq!(e.missing.as_deref(), Some("a search in all columns that only a column without text would answer"));
    check(
        "search in (Device*) 'powershell' | project $table, FileName",
        "$table:string,FileName:string | DeviceProcessEvents,powershell.exe",
    );
    check("search 'powershell' | count", "Count:long | 1");
}

#[test]
fn rows_are_found_across_tables() {
    let t = "let T = datatable(a:string, n:long)['p', 1, 'q', 2]; let U = datatable(a:string, m:long)['p', 3]; let V = datatable(z:string)['p'];";
    check(
        &format!("{t} find in (T, U, V) where a == 'p' project a, n:string, m"),
        "source_:string,a:string,n:string,m:long | union_arg0,p,1,null | union_arg1,p,,3",
    );
    check(&format!("{t} find withsource=s in (T) where n > 1"), "s:string,a:string,n:long | union_arg0,q,2");
    check(
        "find in (DeviceProcessEvents) where FileName has 'cmd' project DeviceName",
        "source_:string,DeviceName:string | DeviceProcessEvents,alpha | DeviceProcessEvents,Alpha",
    );
    assert_eq!(
        err(&format!("{t} find in (T, U) where a == 'p'")).missing.as_deref(),
        Some("find with columns that it would pack; name the columns with project")
    );
}
