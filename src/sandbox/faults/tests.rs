use super::plan::Met;
use super::*;

fn plan(text: &str) -> Plan {
    let mut plan = Plan::default();
    for fault in parse(text.as_bytes()).unwrap() {
        plan.add(fault);
    }
    plan
}

fn take(plan: &mut Plan, operation: Option<&str>, path: &str) -> Option<Met> {
    plan.take(&Asked { operation, path, part: None, method: "GET" })
}

#[test]
fn faults_are_read_matched_and_used_up() {
    let mut plan =
        plan(r#"[{"operation":"machines.list","status":429,"retry_after":2,"times":2,"body":{"a":1}},{"path":"/v1.0/","kind":"stall"}]"#);
    assert!(take(&mut plan, Some("machines.get"), "/api/machines/x").is_none());
    let hit = take(&mut plan, Some("machines.list"), "/api/machines").unwrap();
    assert_eq!((hit.id, hit.fault.status, hit.fault.retry_after, hit.fault.body.as_deref()), (1, 429, Some(2.0), Some(r#"{"a":1}"#)));
    assert!(take(&mut plan, Some("machines.list"), "/api/machines").is_some());
    assert!(take(&mut plan, Some("machines.list"), "/api/machines").is_none());
    assert_eq!((plan.used(1), plan.used(2), plan.used(3)), (Some(2), Some(0), None));
    for _ in 0..3 {
        assert_eq!(take(&mut plan, None, "/V1.0/security").unwrap().fault.kind, FaultKind::Stall);
    }
    assert!(take(&mut plan, None, "/v1").is_none());
    plan.give_back(2);
    assert_eq!(plan.used(2), Some(2));
    assert!(plan.remove(2) && !plan.remove(2) && take(&mut plan, None, "/v1.0/x").is_none());
}

#[test]
fn what_is_misspelt_or_means_nothing_is_refused_by_name() {
    for (bad, name) in [
        ("", "faults"),
        ("1", "faults"),
        (r#"{"kind":"x"}"#, "kind"),
        (r#"{"statu":1}"#, "statu"),
        (r#"{"status":9}"#, "status"),
        (r#"{"times":-1}"#, "times"),
        (r#"{"headers":[]}"#, "headers"),
        (r#"{"headers":{"a b":"c"}}"#, "headers"),
        (r#"{"match":"machine.*"}"#, "match"),
        (r#"{"service":"mars"}"#, "service"),
        (r#"{"method":"FETCH"}"#, "method"),
        (r#"{"path":"api"}"#, "path"),
        (r#"{"every":0}"#, "every"),
        (r#"{"probability":1.5}"#, "probability"),
        (r#"{"delay":"soon"}"#, "delay"),
        (r#"{"delay":[2,1]}"#, "delay"),
        (r#"{"delay":"2h"}"#, "delay"),
        (r#"{"kind":"delay"}"#, "delay"),
        (r#"{"kind":"reset","status":500}"#, "status"),
        (r#"{"kind":"link-expired","service":"graph"}"#, "service"),
        (r#"{"preset":"throtled"}"#, "preset"),
        (r#"{"aadsts":1}"#, "aadsts"),
        (r#"{"aadsts":700016,"match":"machines.*"}"#, "match"),
        (r#"{"retry_after":-1}"#, "retry_after"),
        (r#"{"retry_after_form":"hours"}"#, "retry_after_form"),
        (r#"{"missing_role":1}"#, "missing_role"),
    ] {
        let refused = parse(bad.as_bytes()).expect_err(bad);
        assert_eq!(refused.name, name, "{bad}: {refused}");
    }
    assert!(parse(br#"{"statsu":1}"#).unwrap_err().to_string().contains("Did you mean \"status\"?"));
    assert!(parse(br#"{"match":"machine.*"}"#).unwrap_err().to_string().contains("Did you mean \"machines.*\"?"));
}

#[test]
fn after_every_and_times_choose_by_count() {
    let mut plan = plan(r#"{"path":"/","after":2,"every":3,"times":2}"#);
    let met: Vec<usize> = (1..20).filter(|_| true).filter(|_| take(&mut plan, None, "/x").is_some()).collect();
    assert_eq!(met, [3, 6]);
}

#[test]
fn the_seed_alone_chooses_whom_a_probability_meets() {
    let met = |seed: u64, between: bool| -> Vec<usize> {
        let mut plan = plan(r#"[{"path":"/a","probability":0.3,"delay":[0.1,0.3]},{"path":"/b","probability":0.5}]"#);
        plan.seed = seed;
        (0..200)
            .filter(|_| {
                if between {
                    take(&mut plan, None, "/b");
                }
                take(&mut plan, None, "/a").is_some_and(|met| {
                    assert!((Duration::from_millis(100)..=Duration::from_millis(300)).contains(&met.delay), "{:?}", met.delay);
                    true
                })
            })
            .collect()
    };
    assert_eq!(met(1, false), met(1, true), "what else is asked changes nothing");
    assert_ne!(met(1, false), met(2, false));
    assert!((35..=85).contains(&met(1, false).len()), "{}", met(1, false).len());
}

#[test]
fn every_preset_can_be_read_and_every_kind_has_a_name() {
    for (name, about) in presets() {
        assert!(parse(format!("{{\"preset\":\"{name}\"}}").as_bytes()).is_ok(), "{name}");
        assert!(!about.is_empty());
    }
    for (kind, name) in FaultKind::ALL {
        assert_eq!((kind.name(), FaultKind::parse(name)), (name, Some(kind)));
    }
    let more = parse(br#"{"preset":"throttled","match":"machines.*","times":2,"retry_after":1}"#).unwrap();
    let (any, sign_in) =
        (parse(br#"{"preset":"unavailable"}"#).unwrap(), parse(br#"{"preset":"unavailable","service":"sign-in"}"#).unwrap());
    assert_eq!((any[0].operation.as_deref(), sign_in[0].operation.as_deref()), (Some("*"), None), "sign-in is met where that is said");
    assert_eq!((more[0].status, more[0].times, more[0].retry_after), (429, Some(2), Some(1.0)));
}
