//! Functions on numbers and moments, and aggregates; most expectations are the examples of the language's documentation.

use super::*;

#[track_caller]
fn all(table: &[(&str, &str)]) {
    for (expr, expected) in table {
        value(expr, expected);
    }
}

#[track_caller]
fn missing(exprs: &[&str]) {
    for expr in exprs {
        let e = err(&format!("print {expr}"));
        assert_eq!(e.kind, ErrorKind::Unsupported, "{expr}: {e}");
    }
}

#[test]
fn angles_bits_and_bins() {
    all(&[
        ("round(sin(pi() / 6), 10)", "0.5"),
        ("round(cos(pi()), 10)", "-1.0"),
        ("round(tan(pi() / 4), 10)", "1.0"),
        ("asin(2)", "NaN"),
        ("acos(1)", "0.0"),
        ("atan(0)", "0.0"),
        ("round(atan2(1, -1) / pi(), 4)", "0.75"),
        ("round(cot(1), 12)", "0.642092615934"),
        ("degrees(pi())", "180.0"),
        ("round(radians(90), 12)", "1.570796326795"),
        ("sin(real(null))", "null"),
        ("bitset_count_ones(42)", "3"),
        ("bitset_count_ones(-1)", "64"),
        ("bin_at(6.5, 2.5, 7.0)", "4.5"),
        ("bin_at(time(1h), 1d, 12h)", "-12:00:00"),
        ("bin_at(datetime(2017-05-15 10:20:00.0), 1d, datetime(1970-01-01 12:00:00.0))", "2017-05-14T12:00:00.0000000Z"),
        ("bin_at(datetime(2017-05-17 10:20:00.0), 7d, datetime(2017-06-04 00:00:00.0))", "2017-05-14T00:00:00.0000000Z"),
        ("bin_at(5, 0, 1)", "null"),
        ("around(datetime(2021-01-01 01:29), datetime(2021-01-01 01:30), 1m)", "true"),
        ("around(1.5, 1, 0.4)", "false"),
        ("around(1, long(null), 1)", "null"),
        ("assert(1 < 2, 'no')", "true"),
    ]);
    missing(&["bin_at(6.5, 2.5, 7)", "weekofyear(now())", "gamma(1)", "welch_test(1,1,1,1,1,1)"]);
    assert_eq!(err("print assert(1 > 2, 'too long')").message, "assert() has failed with message: 'too long'");
    check(
        "datatable(n:int)[7] | project sin(n), bitset_count_ones(n), cot(n) > 0",
        "n:real,n1:long,Column1:bool | 0.6569865987187891,3,true",
    );
}

#[test]
fn moments_are_formatted_counted_and_made() {
    all(&[
        ("format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [HH:mm:ss]')", "17-01-29 [09:00:05]"),
        ("format_datetime(datetime(2017-01-29 09:00:05), 'yyyy-M-dd [H:mm:ss]')", "2017-1-29 [9:00:05]"),
        ("format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [hh:mm:ss tt]')", "17-01-29 [09:00:05 AM]"),
        ("format_datetime(datetime(2009-06-15 13:45:30.05), 'y f FF h')", "9 0 05 1"),
        ("format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')", "29.09:00:05:12"),
        ("format_timespan(time(29.09:00:05.12345), 'ddd.h:mm:ss [fffffff]')", "029.9:00:05 [1234500]"),
        ("datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31))", "17"),
        ("datetime_diff('quarter', datetime(2017-07-01), datetime(2017-03-30))", "2"),
        ("datetime_diff('month', datetime(2017-01-01), datetime(2015-12-30))", "13"),
        ("datetime_diff('week', datetime(2017-10-29 00:00), datetime(2017-09-30 23:59))", "5"),
        ("datetime_diff('day', datetime(2017-10-29 00:00), datetime(2017-09-30 23:59))", "29"),
        ("datetime_diff('hour', datetime(2017-10-31 01:00), datetime(2017-10-30 23:59))", "2"),
        ("datetime_diff('minute', datetime(2017-10-30 23:05:01), datetime(2017-10-30 23:00:59))", "5"),
        ("datetime_diff('second', datetime(2017-10-30 23:00:10.100), datetime(2017-10-30 23:00:00.900))", "10"),
        ("datetime_diff('nanosecond', datetime(2017-10-30 23:00:00.0000000), datetime(2017-10-30 23:00:00.0000007))", "-700"),
        ("week_of_year(datetime(2020-12-31))", "53"),
        ("week_of_year(datetime(1970-01-01))", "1"),
        ("week_of_year(datetime(2000-01-01))", "52"),
        ("unixtime_nanoseconds_todatetime(1546300800000000000)", "2019-01-01T00:00:00.0000000Z"),
        ("endofyear(datetime(2017-01-01 10:10:17), -1)", "2016-12-31T23:59:59.9999999Z"),
    ]);
}

const T: &str = "datatable(g:string, n:int, s:string, b:bool)['x', 3, 'b', true, 'x', 5, 'a', false, 'y', int(null), 'c', bool(null)]";

#[test]
fn the_greatest_and_least_of_texts_and_bools() {
    check(&format!("{T} | summarize max(s), min(s), max(b), min(b)"), "max_s:string,min_s:string,max_b:bool,min_b:bool | c,a,true,false");
    check(
        &format!("{T} | summarize arg_max(s, n), arg_min(b, s) by g"),
        "g:string,s:string,n:int,b:bool,s1:string | x,b,3,false,a | y,c,null,null,c",
    );
    let e = err("datatable(s:string)['a', ''] | summarize min(s)");
    assert_eq!(e.kind, ErrorKind::Unsupported);
    check("datatable(s:string)['a', ''] | summarize max(s)", "max_s:string | a");
    assert_eq!(err("datatable(g:guid)[] | summarize max(g)").kind, ErrorKind::Semantic);
}

#[test]
fn bits_are_joined_over_groups() {
    let t = "datatable(num:long)[0xFFFFFFFF, 0xFFFFF00F, 0xCFFFFFFD, 0xFAFEFFFF, long(null)]";
    check(&format!("{t} | summarize result = toupper(tohex(binary_all_and(num)))"), "result:string | CAFEF00D");
    check(&format!("{t} | summarize binary_all_or(num), tohex(binary_all_xor(num))"), "num:long,num1:string | 4294967295,35010ff2");
    check(&format!("{T} | where g == 'x' | summarize binary_all_or(n)"), "n:int | 7");
    assert_eq!(err(&format!("{t} | where num < 0 | summarize binary_all_or(num)")).kind, ErrorKind::Unsupported);
}

#[test]
fn percentiles_may_be_weighed_and_come_as_arrays() {
    let t = "datatable(w:long, v:long)[8, 10, 6, 20, 3, 30, 1, 40]";
    check(
        &format!("{t} | summarize percentilesw(v, w, 50, 75, 99.9)"),
        "percentile_v_50:long,percentile_v_75:long,percentile_v_99_9:long | 20,20,40",
    );
    check(&format!("{t} | summarize percentilew(v, w, 10)"), "percentile_v_10:long | 10");
    check(&format!("{t} | summarize percentilesw_array(v, w, dynamic([50, 75, 99.9]))"), "percentiles_v:dynamic | [20,20,40]");
    check(
        &format!("{t} | summarize percentiles_array(v, 0, 25, 26, 100), p = percentiles(v, 50)"),
        "percentiles_v:dynamic,p:long | [10,10,20,40],20",
    );
    check(&format!("{t} | where v > 99 | summarize percentilew(v, w, 50)"), "percentile_v_50:long | null");
    assert_eq!(err(&format!("{t} | summarize percentilew(v, -w, 50)")).kind, ErrorKind::Unsupported);
    assert_eq!(err(&format!("{t} | summarize percentiles_array(v, dynamic([101]))")).kind, ErrorKind::Semantic);
}

#[test]
fn covariances_and_counts_with_a_predicate() {
    let t = "datatable(x:real, y:real)[1.0, 14.0, 2.0, 10.0, 3.0, 17.0, 4.0, 20.0, 5.0, 50.0, real(null), 3.0]";
    check(&format!("{t} | summarize covariance(x, y), covariancep(x, y)"), "covariance_x:real,covariancep_x:real | 20.5,16.4");
    check(
        &format!("{t} | summarize covarianceif(x, y, x < 3), count(x > 2), count()"),
        "covarianceif_x:real,count_:long,count_1:long | -2.0,3,6",
    );
    assert_eq!(err(&format!("{t} | summarize count_distinctif(x, true, 1)")).kind, ErrorKind::Semantic);
    assert_eq!(err(&format!("{t} | summarize take_anyif(x, true, 1)")).kind, ErrorKind::Semantic);
}
