//! Functions on numbers and moments, and aggregates; most expectations are the examples of the language's documentation.

use super::*;

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

#[test]
fn rows_in_order_carry_sums_ranks_and_sessions() {
    check(
        "datatable(a:long)[1, 2, 3, 4, 5, 6, 7, 8, 9, 10] | where a % 2 == 0 | serialize cs = row_cumsum(a)",
        "a:long,cs:long | 2,2 | 4,6 | 6,12 | 8,20 | 10,30",
    );
    let salaries = "datatable(name:string, month:int, salary:long)['Alice', 1, 1000, 'Bob', 1, 1000, 'Alice', 2, 2000, 'Bob', 2, 1950, 'Alice', 3, 1400, 'Bob', 3, 1450]
        | order by name asc, month asc";
    check(
        &format!("{salaries} | extend total = row_cumsum(salary, name != prev(name)) | project name, total"),
        "name:string,total:long | Alice,1000 | Alice,3000 | Alice,4400 | Bob,1000 | Bob,2950 | Bob,4400",
    );
    check(
        &format!("{salaries} | where row_number(1, name != prev(name)) + 0 == 2 and row_cumsum(1) > 0"),
        "name:string,month:int,salary:long | Alice,2,2000 | Bob,2,1950",
    );
    let flights = "datatable(Airport:string, Airline:string, Departures:long)['SEA','LH',3,'SEA','LY',100,'SEA','UA',3,'SEA','BA',2,'SEA','EL',3,'AMS','EL',1,'AMS','BA',1]
        | sort by Airport desc, Departures asc";
    check(
        &format!(
            "{flights} | extend d = row_rank_dense(Departures, prev(Airport) != Airport), m = row_rank_min(Departures) | project Airline, d, m"
        ),
        "Airline:string,d:long,m:long | BA,1,1 | LH,2,2 | UA,2,2 | EL,2,2 | LY,3,5 | EL,1,6 | BA,1,6",
    );
    check(
        "datatable(ID:string, T:datetime)['1', datetime(2024-04-11 10:00:00), '2', datetime(2024-04-11 10:18:00), '1', datetime(2024-04-11 11:00:00),
         '3', datetime(2024-04-11 11:30:00), '2', datetime(2024-04-11 13:30:00), '2', datetime(2024-04-11 10:16:00)]
         | sort by ID asc, T asc | extend S = row_window_session(T, 1h, 5m, ID != prev(ID)) | project ID, format_datetime(S, 'HH:mm')",
        "ID:string,S:string | 1,10:00 | 1,11:00 | 2,10:16 | 2,10:16 | 2,13:30 | 3,11:30",
    );
    check("range x from 1 to 3 step 1 | serialize | sort by row_cumsum(-x) asc", "x:long | 3 | 2 | 1");
    check(
        "range x from 1 to 3 step 1 | extend y = toscalar(range z from 1 to 2 step 1 | serialize c = row_cumsum(z) | summarize max(c)) | serialize c = row_cumsum(y)",
        "x:long,y:long,c:long | 1,3,3 | 2,3,6 | 3,3,9",
    );
    assert_eq!(err("datatable(a:long)[1] | extend c = row_cumsum(a)").kind, ErrorKind::Semantic);
    assert_eq!(err("range x from 1 to 2 step 1 | serialize | mv-expand y = range(1, row_cumsum(x))").kind, ErrorKind::Unsupported);
    assert_eq!(err("datatable(a:long)[1, long(null)] | serialize c = row_cumsum(a)").kind, ErrorKind::Unsupported);
}

#[test]
fn chance_is_the_same_on_every_run_and_differs_by_row() {
    let query = "range x from 1 to 200 step 1 | extend a = rand(), b = rand(), c = rand(6), g = new_guid()
        | summarize n = dcount(a), same = countif(a == b), low = countif(a < 0 or a >= 1), faces = dcount(c), most = max(c), guids = dcount(g)";
    check(query, "n:long,same:long,low:long,faces:long,most:real,guids:long | 200,0,0,6,5.0,200");
    let once = show(&ok("range x from 1 to 3 step 1 | extend rand(), new_guid()"));
    assert_eq!(once, show(&ok("range x from 1 to 3 step 1 | extend rand(), new_guid()")));
    check(
        "print g = new_guid() | project tostring(g) matches regex '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'",
        "Column1:bool | true",
    );
}

#[test]
fn series_are_computed_element_by_element() {
    all(&[
        ("series_add(dynamic([1,2,4]), dynamic([4,2,1]))", "[5,4,5]"),
        ("series_subtract(dynamic([1,2,'a',4]), dynamic([4,2.5,1]))", "[-3,-0.5,null,null]"),
        ("series_multiply(10, dynamic([1,0,-1]))", "[10,0,-10]"),
        ("series_divide(dynamic([1,2,4]), dynamic([4,2,1]))", "[0.25,1.0,4.0]"),
        ("series_greater(dynamic([1,2,4]), dynamic([4,2,1]))", "[false,false,true]"),
        ("series_less_equals(dynamic([1,2,4]), 2)", "[true,true,false]"),
        ("series_abs(dynamic([-6, 0.5]))", "[6,0.5]"),
        ("series_dot_product(dynamic([1,2,4]), dynamic([4,2,1]))", "12.0"),
        ("series_dot_product(dynamic([1,2,4]), 1)", "7.0"),
        ("series_sum(dynamic([1,2.5]))", "3.5"),
        ("series_sum(dynamic([1,'a']))", "null"),
        ("series_magnitude(dynamic([3,4]))", "5.0"),
        ("series_pearson_correlation(dynamic([1,2,3]), dynamic([2,4,6]))", "1.0"),
        ("series_iir(dynamic([1.0,2.0,3.0,4.0]), dynamic([1]), dynamic([1,-1]))", "[1.0,3.0,6.0,10.0]"),
        ("series_fir(dynamic([0,0,0,2,2,3]), dynamic([1,-1]))", "[0.0,0.0,0.0,2.0,0.0,1.0]"),
        ("series_fir(dynamic([0,0,10,20,40,100,40,20,10]), dynamic([1,1,1,1,1]))", "[0.0,0.0,2.0,6.0,14.0,34.0,42.0,44.0,42.0]"),
        ("series_fill_const(dynamic([111,null,36]), 0.0)", "[111,0.0,36]"),
        ("series_fill_forward(dynamic([null,36,41,null,null,16]))", "[null,36,41,41,41,16]"),
        ("series_fill_backward(dynamic([null,36,41,null,null,16,null]))", "[36,36,41,16,16,16,null]"),
        ("series_fill_linear(dynamic([null,111,null,36,41,null,null,16,61,33,null,null]))", "[111,111,73,36,41,32,24,16,61,33,33,33]"),
        ("series_fill_linear(dynamic([null,1.5,null,2.5,null]), real(null), false)", "[null,1.5,2.0,2.5,null]"),
        ("series_fill_linear(dynamic([null,null]))", "[0.0,0.0]"),
        ("round(todouble(series_stats_dynamic(dynamic([23,46,23,87,4,8,3,75,2,56,13,75,32,16,29])).variance), 9)", "812.457142857"),
        ("series_stats_dynamic(dynamic([23,46,23,87,4,8,3,75,2,56,13,75,32,16,29])).min_idx", "8"),
        ("round(todouble(series_fit_line_dynamic(dynamic([2,5,6,8,11,15,17,18,25,26,30,30])).interception), 3)", "-1.667"),
        ("round(todouble(series_fit_line_dynamic(dynamic([2,5,6,8,11,15,17,18,25,26,30,30])).rsquare), 3)", "0.983"),
        ("round(todouble(series_fit_line_dynamic(dynamic([2,5,6,8,11,15,17,18,25,26,30,30])).rvariance), 3)", "1.686"),
        ("round(todouble(series_fit_line_dynamic(dynamic([2,5,6,8,11,15,17,18,25,26,30,30])).line_fit[11]), 3)", "31.103"),
    ]);
    missing(&[
        "series_divide(dynamic([1]), dynamic([0]))",
        "series_log(dynamic([0]))",
        "series_fir(dynamic([1]), dynamic([1]), true, true)",
        "series_outliers(dynamic([1]))",
        "series_decompose_anomalies(dynamic([1]))",
        "series_stats(dynamic([1]))",
    ]);
}
