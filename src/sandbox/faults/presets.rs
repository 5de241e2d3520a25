//! Troubles that everybody meets, by name, in the words that the services are known to say.

use super::super::part::{Part, did_you_mean};
use super::read::{Wrong, wrong};
use super::{Fault, FaultKind, RetryForm};

const TOO_LARGE: &str =
    "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again";
const TOO_MUCH: &str =
    "Query execution has exceeded the allowed limits. The query execution was preempted. Optimize your query and try again.";
const CPU: &str =
    "The query was blocked: the tenant has used 100% of the CPU resources that are allocated to it, until the next 15-minute cycle";
const HTML: &str = "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h2>Our services aren't available right \
                    now</h2><p>We're working to restore all services as soon as possible. Please check back soon.</p></body></html>";

/// A preset: its name, what it is, and what it does.
type Preset = (&'static str, &'static str, fn() -> Fault);

fn throttled(message: &str, retry_after: Option<f64>, retry_form: RetryForm) -> Fault {
    Fault { status: 429, message: Some(message.into()), retry_after, retry_form, ..Fault::default() }
}

fn hunting(fault: Fault) -> Fault {
    Fault { operation: Some("*hunting.run*".into()), ..fault }
}

fn page(status: u16, retry_after: Option<f64>) -> Fault {
    Fault { status, body: Some(HTML.into()), headers: vec![("Content-Type".into(), "text/html".into())], retry_after, ..Fault::default() }
}

const CALLS: &str = "API calls quota exceeded! maximum allowed 100 per 00:01:00";

const PRESETS: [Preset; 20] = [
    ("throttled", "429: calls a minute, with Retry-After in seconds", || throttled(CALLS, Some(3.0), RetryForm::Seconds)),
    ("throttled-date", "429: calls a minute, with Retry-After as a date", || throttled(CALLS, Some(3.0), RetryForm::Date)),
    ("throttled-ms", "429: calls a minute, with x-ms-retry-after-ms", || throttled(CALLS, Some(3.0), RetryForm::Milliseconds)),
    ("throttled-text", "429: calls a minute, and only the text says when", || throttled(CALLS, None, RetryForm::Seconds)),
    ("throttled-hour", "429: calls an hour, and only the text says when", || {
        throttled("API calls quota exceeded! maximum allowed 1500 per 01:00:00", None, RetryForm::Seconds)
    }),
    ("throttled-cpu", "429 on hunting: the tenant's CPU quota, until the next quarter of an hour", || {
        hunting(throttled(CPU, None, RetryForm::Seconds))
    }),
    ("throttled-run-time", "429 on hunting: the Endpoint service's run time an hour", || {
        hunting(throttled("Execution time quota exceeded! maximum allowed 00:10:00 per 01:00:00", Some(60.0), RetryForm::Seconds))
    }),
    ("result-too-large", "400 on hunting: the result has too many bytes", || {
        hunting(Fault { status: 400, code: Some("BadRequest".into()), message: Some(TOO_LARGE.into()), ..Fault::default() })
    }),
    ("query-preempted", "400 on hunting: the query uses too much", || {
        hunting(Fault { status: 400, code: Some("BadRequest".into()), message: Some(TOO_MUCH.into()), ..Fault::default() })
    }),
    ("query-timeout", "504 on hunting: UnknownError without a word", || hunting(Fault { status: 504, ..Fault::default() })),
    ("token-expired", "401: the token is expired", || Fault { kind: FaultKind::TokenExpired, ..Fault::default() }),
    ("missing-role", "403: the token lacks the operation's permissions", || Fault { status: 403, missing_role: true, ..Fault::default() }),
    ("action-in-progress", "400 on a machine's actions: one is running already", || Fault {
        operation: Some("machines.*".into()),
        method: Some("POST".into()),
        status: 400,
        code: Some("ActiveRequestAlreadyExists".into()),
        message: Some("Action is already in progress".into()),
        ..Fault::default()
    }),
    ("unavailable", "503 with Retry-After", || Fault { status: 503, retry_after: Some(3.0), ..Fault::default() }),
    ("unavailable-page", "503: a web page of the front door", || page(503, None)),
    ("bad-gateway", "502: a web page of the front door", || page(502, None)),
    ("link-expired", "403: the link to a file is over", || Fault {
        kind: FaultKind::LinkExpired,
        part: Some(Part::Storage),
        ..Fault::default()
    }),
    ("lost-answer", "what was asked is done, and the connection closes without an answer", || Fault {
        kind: FaultKind::Lost,
        ..Fault::default()
    }),
    ("torn-body", "the connection closes half way through the answer", || Fault { kind: FaultKind::Truncate, ..Fault::default() }),
    ("sign-in-page", "200: a web page in place of JSON, as of a proxy", || Fault { kind: FaultKind::Html, ..Fault::default() }),
];

/// What the token service says with a number: status, error, words.
const AADSTS: [(u32, u16, &str, &str); 16] = [
    (
        7_000_215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to the app.",
    ),
    (
        7_000_222,
        401,
        "invalid_client",
        "The provided client secret keys for the app are expired. Visit the Azure portal to create new keys for your app.",
    ),
    (
        700_016,
        400,
        "unauthorized_client",
        "Application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
    ),
    (700_027, 401, "invalid_client", "Client assertion failed signature validation."),
    (700_024, 401, "invalid_client", "Client assertion is not within its valid time range."),
    (7_000_218, 401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
    (
        90_002,
        400,
        "invalid_request",
        "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
    (90_033, 503, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    (50_196, 400, "invalid_grant", "The server terminated an operation because it encountered a loop while processing a request."),
    (
        50_076,
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    (50_126, 400, "invalid_grant", "Error validating credentials due to invalid username or password."),
    (50_173, 400, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed."),
    (53_003, 400, "invalid_grant", "Access has been blocked by Conditional Access policies."),
    (
        65_001,
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    (70_043, 400, "invalid_grant", "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access."),
    (700_082, 400, "invalid_grant", "The refresh token has expired due to inactivity."),
];

/// Every preset's name and what it is.
pub fn presets() -> Vec<(String, String)> {
    let named = PRESETS.iter().map(|(name, about, _)| ((*name).to_owned(), (*about).to_owned()));
    let numbered =
        AADSTS.iter().map(|(code, status, error, words)| (format!("aadsts{code}"), format!("{status} {error} on sign-in: {words}")));
    named.chain(numbered).collect()
}

pub(super) fn preset(name: &str) -> Result<Fault, Wrong> {
    if let Some((_, _, make)) = PRESETS.iter().find(|(n, ..)| *n == name) {
        return Ok(make());
    }
    if let Some((code, ..)) = AADSTS.iter().find(|(code, ..)| format!("aadsts{code}") == name) {
        return Ok(Fault { aadsts: Some(*code), method: Some("POST".into()), ..Fault::default() });
    }
    let names: Vec<String> = presets().into_iter().map(|(name, _)| name).collect();
    let guess = did_you_mean(name, names.iter().map(String::as_str));
    Err(wrong("preset", format!("{name:?} is not allowed; it is one of {}.{guess}", names.join(", "))))
}

/// What the token service says with that number.
pub(super) fn aadsts(number: u32) -> Result<(u16, &'static str, &'static str), Wrong> {
    let known = AADSTS.iter().find(|(code, ..)| *code == number);
    known.map(|(_, status, error, words)| (*status, *error, *words)).ok_or_else(|| {
        let codes: Vec<String> = AADSTS.iter().map(|(code, ..)| code.to_string()).collect();
        wrong("aadsts", format!("{number} is not allowed; it is one of {}", codes.join(", ")))
    })
}
