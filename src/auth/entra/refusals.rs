//! What the login host's refusals become.

use super::*;
use proptest::prelude::*;

fn url() -> Url {
    Url::parse("https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token?x=y").unwrap()
}

fn refused(text: &str) -> Error {
    refusal(400, &json::parse(text.as_bytes()).unwrap(), &url()).error
}

fn detail(error: &Error, name: &str) -> Option<String> {
    error.facts().details.get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
}

#[test]
fn a_refusal_keeps_all_that_support_asks_for() {
    let error = refused(
        r#"{"error":"invalid_client","error_description":"AADSTS7000222: The keys are expired. Trace ID: t Correlation ID: c Timestamp: s",
            "error_codes":[7000222],"timestamp":"2026-11-21 15:16:05Z","trace_id":"trace","correlation_id":"correlation","error_uri":"u"}"#,
    );
    let facts = error.facts();
    assert_eq!(error.to_string(), "sign-in failed: AADSTS7000222: The keys are expired.");
    assert_eq!(
        (facts.status, facts.code.as_deref(), facts.request_id.as_deref()),
        (Some(400), Some("invalid_client"), Some("correlation"))
    );
    assert_eq!(facts.url.as_deref(), Some("https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"));
    assert!(facts.hint.as_deref().is_some_and(|h| h.contains("has expired")));
    let details = ["trace_id", "timestamp", "aadsts", "help"].map(|name| detail(&error, name).unwrap_or_default());
    assert_eq!(details, ["trace", "2026-11-21 15:16:05Z", "7000222", "https://login.microsoftonline.com/error?code=7000222"]);
}

#[test]
fn the_error_decides_who_has_to_act() {
    use Kind::{Authentication, InteractionRequired};
    for (code, kind) in [
        ("invalid_grant", InteractionRequired),
        ("interaction_required", InteractionRequired),
        ("consent_required", InteractionRequired),
        ("login_required", InteractionRequired),
        ("invalid_client", Authentication),
        ("unauthorized_client", Authentication),
        ("invalid_scope", Authentication),
        ("invalid_resource", Authentication),
        ("invalid_request", Authentication),
        ("unsupported_grant_type", Authentication),
        ("what_is_new", Authentication),
        ("", Authentication),
    ] {
        let refusal = refusal(400, &json::parse(format!(r#"{{"error":"{code}"}}"#).as_bytes()).unwrap(), &url());
        assert_eq!((refusal.code.as_str(), refusal.error.kind()), (code, kind));
        assert_eq!(refusal.error.to_string(), format!("sign-in failed: {code}"));
    }
}

#[test]
fn what_the_next_sign_in_has_to_prove_goes_along() {
    let error = refused(r#"{"error":"interaction_required","suberror":"basic_action","claims":"{\"access_token\":{}}"}"#);
    assert_eq!(detail(&error, "suberror").as_deref(), Some("basic_action"));
    assert_eq!(detail(&error, "claims").as_deref(), Some(r#"{"access_token":{}}"#));
}

#[test]
fn members_of_the_wrong_type_are_left_out() {
    let error = refused(r#"{"error":7,"error_description":[1],"error_codes":"x","trace_id":null,"correlation_id":{},"claims":{"a":1}}"#);
    assert_eq!(error.to_string(), "sign-in failed: ");
    assert!(error.facts().details.is_empty() && error.facts().request_id.is_none() && error.facts().hint.is_none());
}

proptest! {
    #[test]
    fn a_number_changes_the_hint_and_never_the_kind(code in "invalid_grant|invalid_client|consent_required|[a-z_]{1,12}", number in 0i64..10_000_000) {
        prop_assume!(number != 50_196);
        let plain = refused(&format!(r#"{{"error":"{code}"}}"#));
        let text = format!(r#"{{"error":"{code}","error_description":"AADSTS{number}: x","error_codes":[{number}]}}"#);
        let numbered = refused(&text);
        prop_assert_eq!(plain.kind(), numbered.kind());
        prop_assert_eq!(numbered.facts().hint.as_deref(), hints::for_number(number));
    }

    #[test]
    fn any_description_becomes_one_line(description in "\\PC{0,80}(\r\n|\n| Trace ID: )?\\PC{0,80}") {
        let body = json::object([("error", "e".into()), ("error_description", Value::from(description.as_str()))]);
        let error = refusal(401, &body, &url()).error;
        prop_assert!(!error.to_string().contains(['\r', '\n']));
    }
}
