//! `evaluate`.

use super::*;

#[test]
fn bags_become_columns() {
    let t = "datatable(id:long, d:dynamic)[1, dynamic({'b':'x','a':5,'n':null}), 2, dynamic({'a':6,'c':1.5,'m':1}), 3, dynamic(null), 4, dynamic({'m':'t'})]";
    check(
        &format!("{t} | evaluate bag_unpack(d)"),
        "id:long,a:long,b:string,c:real,m:dynamic,n:dynamic | 1,5,x,null,null,null | 2,6,,1.5,1,null | 3,null,,null,null,null | 4,null,,null,t,null",
    );
    check(&format!("{t} | evaluate bag_unpack(d, 'p_') | where p_a > 5 | project p_c"), "p_c:real | 1.5");
    check(&format!("{t} | evaluate bag_unpack(d, ignoredProperties=dynamic(['m','n','c'])) | take 1"), "id:long,a:long,b:string | 1,5,x");
    check(&format!("{t} | evaluate bag_unpack(d) : (*, b:string, zz:datetime) | take 1"), "id:long,b:string,zz:datetime | 1,x,null");
    check(&format!("{t} | evaluate bag_unpack(d) : (a:real, id:long) | take 1"), "a:real,id:long | 5.0,1");
    check("datatable(d:dynamic)[] | evaluate bag_unpack(d) | count", "Count:long | 0");
    let clash = "datatable(a:string, d:dynamic)['old', dynamic({'a':'new','z':1})]";
    assert_eq!(err(&format!("{clash} | evaluate bag_unpack(d)")).kind, ErrorKind::Semantic);
    check(&format!("{clash} | evaluate bag_unpack(d, columnsConflict='replace_source')"), "a:string,z:long | new,1");
    check(&format!("{clash} | evaluate bag_unpack(d, columnsConflict='keep_source')"), "a:string,z:long | old,1");
    let e = err(&format!("{t} | evaluate bag_unpack(d) : (*, m:long)"));
    assert_eq!(e.missing.as_deref(), Some("bag_unpack of the member 'm' to a long, for not all of its values are one"));
    assert_eq!(err(&format!("{t} | evaluate bag_unpack(id)")).kind, ErrorKind::Semantic);
}

#[test]
fn columns_that_only_rows_tell_are_not_described() {
    let query = "datatable(d:dynamic)[dynamic({'a':1})] | evaluate bag_unpack(d)";
    let e = describe(query, &tables()).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unsupported);
    assert!(e.message.contains("only its rows tell"), "{}", e.message);
    let described = describe(&format!("{query} : (a:long)"), &tables()).unwrap();
    assert_eq!(described, [("a".into(), Type::Long)]);
}

#[test]
fn values_become_columns() {
    let t = "datatable(u:string, os:string, n:long)['a','win',1, 'b','lin',2, 'a','win',3, 'a','lin',4]";
    check(&format!("{t} | project u, os | evaluate pivot(os)"), "u:string,lin:long,win:long | a,1,2 | b,1,0");
    check(&format!("{t} | evaluate pivot(os, sum(n))"), "u:string,lin:long,win:long | a,4,4 | b,2,0");
    check(&format!("{t} | evaluate pivot(os, max(n), u)"), "u:string,lin:long,win:long | a,4,3 | b,2,null");
    check(&format!("{t} | where n < 3 | evaluate pivot(n, any(os), u)"), "u:string,1:string,2:string | a,win, | b,,lin");
    check(&format!("{t} | evaluate pivot(os, sum(n), u) : (u:string, win:long, lin:long)"), "u:string,win:long,lin:long | a,4,4 | b,0,2");
    check("datatable(u:string, v:bool)['a', true] | evaluate pivot(v)", "u:string,true:long | a,1");
    assert_eq!(err(&format!("{t} | evaluate pivot(os, sum(n), u) : (u:string, win:long)")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} | evaluate pivot(os, make_set(n), u)")).kind, ErrorKind::Unsupported);
    assert_eq!(err("datatable(u:string, v:string)['a', ''] | evaluate pivot(v)").kind, ErrorKind::Unsupported);
    check(
        "datatable(a:long, b:string)[1, 'x', long(null), ''] | evaluate narrow()",
        "Row:long,Column:string,Value:string | 0,a,1 | 0,b,x | 1,a, | 1,b,",
    );
}

#[test]
fn addresses_are_looked_up_in_networks() {
    let t =
        "let nets = datatable(net:string, site:string, k:string)['10.0.0.0/8','all','p', '10.1.0.0/16','lab','q', '1.2.3.4','host','p'];
        let ips = datatable(ip:string, k:string)['10.1.2.3','p', '1.2.3.4','p', '9.9.9.9','p', 'x','p'];";
    check(
        &format!("{t} ips | evaluate ipv4_lookup(nets, ip, net) | project ip, net, site, k1"),
        "ip:string,net:string,site:string,k1:string | 10.1.2.3,10.0.0.0/8,all,p | 10.1.2.3,10.1.0.0/16,lab,q | 1.2.3.4,1.2.3.4,host,p",
    );
    check(
        &format!("{t} ips | evaluate ipv4_lookup(nets, ip, net, k, return_unmatched=true)"),
        "ip:string,k:string,net:string,site:string | 10.1.2.3,p,10.0.0.0/8,all | 1.2.3.4,p,1.2.3.4,host | 9.9.9.9,p,, | x,p,,",
    );
    assert_eq!(err("DeviceEvents | evaluate autocluster()").missing.as_deref(), Some("the plugin 'autocluster'"));
}
