use super::*;
use crate::ops;
use proptest::prelude::*;

fn op(id: &str) -> &'static Operation {
    ops::by_id(id).unwrap()
}

fn said(id: &str, filter: &str) -> String {
    check(op(id), filter).unwrap_err().to_string()
}

#[test]
fn every_declared_name_passes_in_any_letter_case_and_a_misspelt_one_is_told() {
    let mut seen = 0;
    for op in ops::all().filter(|op| !op.filterable.is_empty()) {
        for name in op.filterable {
            for text in [format!("{name} eq null"), format!("{} ne 5", name.to_uppercase()), format!("startswith({name}, 'x')")] {
                check(op, &text).unwrap_or_else(|e| panic!("{}: {text}: {e}", op.id));
            }
            let error = check(op, &format!("{name}Q eq null")).unwrap_err();
            assert!(error.to_string().contains(&format!("Did you mean {name:?}?")), "{error}");
            assert_eq!(error.facts().details.get("allowed").and_then(|a| a.as_array()).map(<[_]>::len), Some(op.filterable.len()));
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn what_the_documentation_writes_passes() {
    for (id, filter) in [
        ("machines.list", "lastSeen gt 2018-08-01Z"),
        ("alerts.list", "alertCreationTime ge 2019-11-22T00:00:00Z"),
        ("machines.list", "riskScore eq 'High'"),
        ("machines.list", "startswith(computerDnsName,'mymachine')"),
        ("machines.list", "machineTags/any(t: t eq 'x')"),
        ("machines.list", "machineTags/any(tag:tag eq 'ExampleTag') and lastSeen gt 2018-10-20"),
        ("machines.list", "rbacGroupId eq 7"),
        ("machines.count_alerts", "status ne 'Resolved'"),
        ("incidents.list", "lastUpdateTime gt 2026-01-01T00:00:00.1234567Z and status eq 'Active'"),
        ("graph.alerts.list", "createdDateTime ge 2026-01-01T00:00:00+02:00"),
    ] {
        check(op(id), filter).unwrap_or_else(|e| panic!("{filter}: {e}"));
    }
}

#[test]
fn what_may_be_right_passes() {
    for filter in [
        "not (riskScore eq 'High')",
        "NOT riskScore EQ 'High'",
        "riskScore in ('Low', 'High')",
        "riskScore in(null)",
        "machineTags/all(t: contains(tolower(t), 'i') and not endswith(toupper(t), 'X'))",
        "machineTags/any()",
        "machineTags/$count gt 2",
        "machineTags/any(t: t/name eq 'a' and riskScore eq 'High')",
        "lastSeen gt now() sub duration'P1D'",
        "lastSeen add duration'PT1H' gt lastSeen",
        "unheardOf(riskScore, 'x') eq true",
        "unheard.of(name='x', other=5)",
        "contains (computerDnsName, 'a:b/c(d''e')",
        "aadDeviceId eq 5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14 or aadDeviceId eq a01e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14",
        "version eq '22H2' and deviceValue has Ns.Value'High'",
        "Microsoft.Cast/whatever eq 1",
        "$it/whatever eq @p1",
        "rbacGroupId eq -5 or rbacGroupId eq 1e+5 or rbacGroupId eq -INF or rbacGroupId eq NaN",
        "riskScore in [\"Low\", \"it's ]\\\"\"]",
        "riskScore eq 'status=x&$top=5 \"q\" <>% + '",
        "lastSeen eq null",
        "null ne lastSeen",
        "tolower(riskScore) eq 'high'",
        "healthStatus eq ''",
        "riskScore eq 'High'\nand\tosPlatform eq 'Linux'",
        "riskScore eq'High'",
    ] {
        check(op("machines.list"), filter).unwrap_or_else(|e| panic!("{filter}: {e}"));
    }
    check(op("baselines.exceptions"), "anything eq 'x'").unwrap();
}

#[test]
fn what_the_service_would_refuse_is_told_with_what_was_meant() {
    for (filter, part) in [
        ("osBuild eq 5", "machines.list cannot be filtered by \"osBuild\"; it can be by computerDnsName, id"),
        ("evidence/any(e: e/sha1 eq 'x')", "\"evidence\""),
        ("contains(osBuild, 'x')", "\"osBuild\""),
        ("riskScore eq High", "text is written 'High'"),
        ("riskScor eq 'High'", "Did you mean \"riskScore\"?"),
        ("riskScore eq 'High", "never closed"),
        ("computerDnsName eq 'o'neill'", "never closed"),
        ("(riskScore eq 'High'", "\"(\" that is never closed"),
        ("riskScore eq 'High')", "closes nothing"),
        ("riskScore in [\"a\"", "never closed"),
        ("lastSeen gt '2026-01-01T00:00:00Z'", "without quotes"),
        ("'2026-01-01' lt LASTSEEN", "without quotes"),
        ("lastSeen gt -7d", "does not know what -7d is"),
        ("riskScore eq \"High\"", "single quotes"),
        ("riskScore eq \u{2018}High\u{2019}", "single quotes"),
        ("riskScore == 'High'", "written eq"),
        ("rbacGroupId = 5", "written eq"),
        ("rbacGroupId >= 5", "gt or ge"),
        ("$filter=riskScore eq 'High'", "leave \"$filter=\" away"),
        ("riskScore eq 'High'&$top=5", "arguments of their own"),
        ("$top=5", "give it as the argument top"),
        ("riskScore%20eq%20'High'", "xdrkit encodes it"),
        ("riskScore+eq+'High'", "write spaces"),
        ("lastSeen gt 2026-01-01T00:00:00Z+and+rbacGroupId eq 5", "write spaces"),
        ("riskScore eq", "ends with \"eq\""),
        ("riskScore eq 'High' and", "ends with \"and\""),
    ] {
        let message = said("machines.list", filter);
        assert!(message.starts_with("filter: ") && message.contains(part), "{filter}: {message}");
    }
    assert!(said("incidents.list", "severity eq 'High'").contains("lastUpdateTime, createdTime, status, assignedTo"));
    assert!(said("alerts.list", "alertCreationTime ge '2026-01-01'").contains("without quotes"));
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|s| format!("'{}'", s.replace('\'', "''"))),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14".to_owned()),
        (0i64..253_000_000_000).prop_map(|s| jiff::Timestamp::from_second(s).unwrap().to_string()),
    ]
}

/// What the builder makes, with every kind of literal; texts are not compared with moments.
fn built() -> impl Strategy<Value = String> {
    let name = prop::sample::select(op("machines.list").filterable.iter().copied().filter(|n| *n != "lastSeen").collect::<Vec<_>>());
    let leaf = (name, prop::sample::select(COMPARISONS), literal(), 0..3).prop_map(|(name, comparison, literal, form)| match form {
        0 => format!("{name} {comparison} {literal}"),
        1 => format!("contains({name}, {literal})"),
        _ => format!("{name}/any(t: t {comparison} {literal})"),
    });
    leaf.prop_recursive(4, 24, 2, |inner| {
        (inner.clone(), inner, 0..3).prop_map(|(a, b, form)| match form {
            0 => format!("({a}) and {b}"),
            1 => format!("{a} or ({b})"),
            _ => format!("not ({a})"),
        })
    })
}

proptest! {
    #[test]
    fn every_filter_that_is_built_passes(filter in built()) {
        prop_assert!(check(op("machines.list"), &filter).is_ok(), "{filter}: {:?}", check(op("machines.list"), &filter));
    }

    #[test]
    fn no_text_makes_the_check_panic(filter in any::<String>()) {
        let _ = check(op("machines.list"), &filter);
    }

    #[test]
    fn no_words_make_the_check_panic(words in prop::collection::vec(prop_oneof![
        Just("and"), Just("not"), Just("eq"), Just("in"), Just("("), Just(")"), Just("'x'"), Just("'"), Just("riskScore"), Just("any("),
        Just("/"), Just("t:"), Just("["), Just("]"), Just("{"), Just("\""), Just("\\"), Just("+"), Just("-"), Just("="), Just("é"), Just("lastSeen")
    ], 0..30)) {
        let _ = check(op("machines.list"), &words.concat());
        let _ = check(op("machines.list"), &words.join(" "));
    }
}
