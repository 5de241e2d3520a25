//! `make-series`, `top-nested`, `top-hitters`, `scan` and what picks rows.

use super::*;

#[test]
fn rows_become_arrays_along_an_axis() {
    let t = "let t = datatable(w:datetime, m:real, k:string)[datetime(2016-12-31T06:00), 50, 'a', datetime(2017-01-01), 4, 'a', datetime(2017-01-02), 3, 'b',
        datetime(2017-01-03T03:00), 6, 'a', datetime(2017-01-03), 4, 'a', datetime(2017-01-04), 9, 'b', datetime(null), 1, 'a'];";
    check(
        &format!("{t} t | make-series avg(m) on w from datetime(2017-01-01) to datetime(2017-01-04) step 1d"),
        "avg_m:dynamic,w:dynamic | [4.0,3.0,5.0],[\"2017-01-01T00:00:00.0000000Z\",\"2017-01-02T00:00:00.0000000Z\",\"2017-01-03T00:00:00.0000000Z\"]",
    );
    check(
        &format!(
            "{t} t | make-series n=count(), sum(m) default=real(null) on w from datetime(2017-01-01) to datetime(2017-01-04) step 1d by k | project k, n, sum_m"
        ),
        "k:string,n:dynamic,sum_m:dynamic | a,[1,0,2],[4.0,null,10.0] | b,[0,1,0],[null,3.0,null]",
    );
    check(
        &format!("{t} t | make-series count() on w step 1d by k | project k, count_, first=w[0]"),
        "k:string,count_:dynamic,first:dynamic | a,[1,1,0,2],2016-12-31T00:00:00.0000000Z | b,[1,0,1],2017-01-02T00:00:00.0000000Z",
    );
    check("datatable(x:long)[1, 2, 5, 7] | make-series count() on x from 1 to 8 step 3", "count_:dynamic,x:dynamic | [2,1,1],[1,4,7]");
    check("datatable(x:long)[1, 2, 5, 7] | make-series count() on x from 1 to 7 step 4", "count_:dynamic,x:dynamic | [2,1],[1,5]");
    check(
        "datatable(x:real)[0.5, 1.2] | make-series sum(x) on x from 0.0 to 2.0 step 0.5",
        "sum_x:dynamic,x:dynamic | [0.0,0.5,1.2,0.0],[0.0,0.5,1.0,1.5]",
    );
    check(
        &format!("{t} t | take 0 | make-series avg(m) default=1.5 on w from datetime(2017-01-01) to datetime(2017-01-03) step 1d"),
        "avg_m:dynamic,w:dynamic",
    );
    check(
        &format!(
            "{t} t | take 0 | make-series kind=nonempty avg(m) default=1.5 on w from datetime(2017-01-01) to datetime(2017-01-03) step 1d | project avg_m"
        ),
        "avg_m:dynamic | [1.5,1.5]",
    );
    check(
        &format!(
            "{t} let s = toscalar(t | summarize min(w)); t | make-series x=round(avg(m) * 2, 1) on w from s to datetime(2017-01-02) step 12h | project x"
        ),
        "x:dynamic | [100.0,8.0,0.0,0.0]",
    );
    assert_eq!(err(&format!("{t} t | make-series count() on w step 1")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} t | make-series count() on w step 0d")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} t | make-series make_list(m) on w step 1d")).kind, ErrorKind::Unsupported);
    assert_eq!(err(&format!("{t} t | make-series count() on w in range(ago(1d), now(), 1h)")).kind, ErrorKind::Unsupported);
    assert_eq!(err("print x = 1 | make-series count() on x from 0 to 100000000 step 1").kind, ErrorKind::Limit);
}

#[test]
fn the_best_of_each_group_are_nested() {
    let t = "let t = datatable(s:string, e:string, n:long)['a','x',5, 'a','y',3, 'b','x',4, 'b','z',9, 'c','x',1, 'a','y',3];";
    check(&format!("{t} t | top-nested 2 of s by sum(n)"), "s:string,aggregated_s:long | b,13 | a,11");
    check(
        &format!("{t} t | top-nested 2 of s by sum(n), top-nested 1 of e by top=max(n)"),
        "s:string,aggregated_s:long,e:string,top:long | b,13,z,9 | a,11,x,5",
    );
    check(
        &format!("{t} t | top-nested of s by count() asc, top-nested of f=strlen(e) by sum(n)"),
        "s:string,aggregated_s:long,f:long,aggregated_f:long | c,1,1,1 | b,2,1,13 | a,3,1,11",
    );
    check(&format!("{t} t | top-nested 1 of s with others='rest' by sum(n)"), "s:string,aggregated_s:long | b,13 | rest,12");
    check(&format!("{t} t | take 0 | top-nested 1 of s with others='rest' by sum(n)"), "s:string,aggregated_s:long");
    assert_eq!(
        err(&format!("{t} t | top-nested 1 of s with others='r' by sum(n), top-nested 1 of e by sum(n)")).missing.as_deref(),
        Some("'with others' in a top-nested of several levels")
    );
    check(&format!("{t} t | top-hitters 2 of e"), "e:string,approximate_count_e:long | x,3 | y,2");
    check(&format!("{t} t | top-hitters 1 of e by n"), "e:string,approximate_sum_n:long | x,10");
}

#[test]
fn steps_match_records_one_after_another() {
    check(
        "range x from 1 to 5 step 1 | scan declare (c:long=0) with (step s1: true => c = x + s1.c;)",
        "x:long,c:long | 1,1 | 2,3 | 3,6 | 4,10 | 5,15",
    );
    check(
        "range x from 1 to 5 step 1 | extend y = 2 * x | serialize | scan declare (a:long=0, b:long=0) with (step s1: true => a = iff(s1.a >= 10, x, x + s1.a), b = iff(s1.b >= 10, y, y + s1.b);)",
        "x:long,y:long,a:long,b:long | 1,2,1,2 | 2,4,3,6 | 3,6,6,12 | 4,8,10,8 | 5,10,5,18",
    );
    let events = "let e = datatable(t:timespan, v:string)[0m,'A', 1m,'A', 2m,'B', 3m,'D', 32m,'B', 36m,'C', 38m,'D', 41m,'E', 75m,'A'];";
    check(
        &format!(
            "{events} e | sort by t asc | scan with_match_id=id declare (start:timespan) with (step inside: true => start = iff(isnull(inside.start), t, inside.start); \
             step end output=none: t - inside.start > 30m;) | project v, start, id"
        ),
        "v:string,start:timespan,id:long | A,00:00:00,0 | A,00:00:00,0 | B,00:00:00,0 | D,00:00:00,0 | B,00:32:00,1 | C,00:32:00,1 | D,00:32:00,1 | \
         E,00:32:00,1 | A,01:15:00,2",
    );
    let events =
        "let e = datatable(t:timespan, v:string)[0m,'A', 1m,'Start', 2m,'B', 3m,'D', 4m,'Stop', 6m,'C', 8m,'Start', 11m,'E', 12m,'Stop'];";
    check(
        &format!(
            "{events} e | sort by t asc | scan with_match_id=id with (step s1: v == 'Start'; step s2: v != 'Start' and v != 'Stop' and t - s1.t <= 5m; \
             step s3: v == 'Stop' and t - s1.t <= 5m;) | project v, id"
        ),
        "v:string,id:long | Start,0 | B,0 | D,0 | Stop,0 | Start,1 | E,1 | Stop,1",
    );
    check(
        "datatable(v:string)['A', '', 'B', ''] | serialize | scan declare (f:string='') with (step s: true => f = iff(isempty(v), s.f, v);)",
        "v:string,f:string | A,A | ,A | B,B | ,B",
    );
    check(
        "datatable(u:long, t:long, v:string)[1,1,'in', 2,2,'in', 1,5,'out', 2,9,'out'] | sort by t asc | partition hint.strategy=native by u (sort by t asc | scan declare (d:long) with (step s1 output=none: v == 'in'; step s2: v == 'out' => d = t - s1.t;)) | project u, d",
        "u:long,d:long | 1,4 | 2,7",
    );
    assert_eq!(err("DeviceProcessEvents | scan with (step s: true;)").kind, ErrorKind::Semantic);
    assert_eq!(err("range x from 1 to 2 step 1 | scan with (step s output=last: true;)").missing.as_deref(), Some("output=last of a step"));
    assert_eq!(err("range x from 1 to 2 step 1 | scan declare (c:long) with (step s: true => d = 1;)").kind, ErrorKind::Semantic);
}

#[test]
fn samples_are_the_same_every_time() {
    check("datatable(a:long, b:string)[3,'x', 1,'y', 3,'z'] | sample 2", "a:long,b:string | 3,x | 1,y");
    check("datatable(a:long, b:string)[3,'x', 1,'y', 3,'z'] | sample-distinct 5 of a", "a:long | 3 | 1");
    check(
        "datatable(a:long, b:string, bc:long)[3,'x',1] | project-by-names dynamic(['b*', 'nope']), 'a'",
        "b:string,bc:long,a:long | x,1,3",
    );
    check("declare query_parameters(n:long = 2, s:string = 'x'); print n, s", "print_0:long,print_1:string | 2,x");
}
