//! What may become a part of an address, a form or a command line, over inputs that nobody thought of.

use super::{Authority, Wanted, check_tenant};
use crate::cloud::LOGIN_HOSTS;
use proptest::{prelude::*, sample::select};
use url::Url;

const TENANT: &str = "11111111-2222-3333-4444-555555555555";

const PIECES: &[&str] = &[
    "https://",
    "http://",
    "//",
    "@",
    ":",
    "/",
    "\\",
    "?",
    "#",
    ".",
    "..",
    "%2e",
    "%40",
    "evil.example",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "443",
    "\t",
    " ",
    "é",
    "｡",
];

/// Pieces of addresses: put together at random, or in the order in which an address has them. Both are nearer to the border than random text.
fn address() -> impl Strategy<Value = String> {
    let one_of = |pieces: &'static [&'static str]| select(pieces).prop_map(str::to_owned);
    let host = || prop_oneof![3 => one_of(LOGIN_HOSTS), 1 => one_of(&["127.0.0.1", "localhost", "[::1]", "evil.example", "127.0.0.1.evil.example"])];
    let piece = prop_oneof![3 => one_of(PIECES), 2 => host(), 1 => "\\PC{0,6}"];
    let ordered = (
        one_of(&["", "https://", "http://", "HTTPS://", "ftp://"]),
        prop_oneof![3 => one_of(&[""]), 1 => one_of(&["u@", "u:p@", "@", ":@", "login.microsoftonline.com@"])],
        host(),
        one_of(&["", ".", ":", ":443", ":444", ".evil.example", "\\@evil.example"]),
        one_of(&["", "/", "/..", "//x", "?", "?x", "#", "#x"]),
    );
    prop_oneof![
        prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat()),
        ordered.prop_map(|(scheme, user, host, port, rest)| [scheme, user, host, port, rest].concat()),
    ]
}

proptest! {
    #[test]
    fn a_secret_goes_to_a_known_host_or_to_this_machine(host in address()) {
        if let Ok(authority) = Authority::new(&host, TENANT, false) {
            let url = authority.v2("token");
            let name = url.host_str().unwrap_or_default();
            let here = matches!(name, "127.0.0.1" | "localhost" | "[::1]") || name.starts_with("127.");
            prop_assert!(here || LOGIN_HOSTS.contains(&name) && url.scheme() == "https" && url.port().is_none(), "{} -> {}", host, url);
            prop_assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none(), "{} -> {}", host, url);
        }
    }

    #[test]
    fn a_host_that_is_trusted_is_still_only_a_host_over_https(host in address()) {
        if let Ok(authority) = Authority::new(&host, TENANT, true) {
            let url = authority.v2("token");
            prop_assert_eq!(url.path(), format!("/{TENANT}/oauth2/v2.0/token"));
            let here = matches!(url.host_str(), Some("localhost" | "[::1]")) || url.host_str().is_some_and(|h| h.starts_with("127."));
            prop_assert!(url.scheme() == "https" || here, "{} -> {}", host, url);
        }
    }

    #[test]
    fn a_tenant_is_one_segment_of_the_path(tenant in prop_oneof!["\\PC{0,40}", "[a-z0-9.-]{0,40}", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{11,13}", "[a./%\\\\-]{0,12}"]) {
        if check_tenant(&tenant).is_ok() {
            let url = Authority::new(LOGIN_HOSTS[0], &tenant, false).unwrap().v2("token");
            prop_assert_eq!(url.path(), format!("/{}/oauth2/v2.0/token", tenant.to_ascii_lowercase()));
            prop_assert_eq!(Url::parse(url.as_str()).unwrap(), url);
            prop_assert!(!tenant.starts_with('-') && tenant.is_ascii());
        } else {
            prop_assert!(Authority::new(LOGIN_HOSTS[0], &tenant, false).is_err());
        }
    }

    #[test]
    fn guids_and_domains_are_tenants(guid in "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", domain in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z]{2,10}){1,3}") {
        prop_assert!(check_tenant(&guid).is_ok() && check_tenant(&domain).is_ok(), "{} {}", guid, domain);
    }

    #[test]
    fn scopes_are_plain_words_in_one_order(scopes in prop::collection::vec(prop_oneof!["[ -~]{0,12}", "https://[a-z.]{1,20}/\\.default", "\\PC{0,8}", "[a-z\r\n\t\"' ]{1,6}"], 0..5)) {
        let wanted = Wanted::scopes(&scopes);
        let plain = |s: &String| !s.is_empty() && s.is_ascii() && !s.contains(|c: char| c.is_ascii_control() || c.is_whitespace() || "\"'`\\<>{}|^$;&()".contains(c));
        prop_assert_eq!(wanted.is_ok(), !scopes.is_empty() && scopes.iter().all(plain));
        if let Ok(wanted) = wanted {
            let scope = wanted.scope();
            prop_assert_eq!(scope.split(' ').collect::<Vec<_>>(), wanted.scopes.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(wanted.scopes.is_sorted() && scopes.iter().all(|s| wanted.scopes.contains(s)));
            let turned: Vec<String> = scopes.iter().rev().cloned().chain(scopes.first().cloned()).collect();
            prop_assert_eq!(Wanted::scopes(&turned).unwrap(), wanted);
        }
    }

    #[test]
    fn one_default_is_taken_off_a_scope_and_no_more(resource in "https://[a-z]{1,8}/{0,2}", defaults in 0usize..3) {
        let wanted = Wanted { scopes: vec![format!("{resource}{}", "/.default".repeat(defaults))], ..Wanted::audience("") };
        prop_assert_eq!(wanted.resource().unwrap(), format!("{resource}{}", "/.default".repeat(defaults.saturating_sub(1))));
    }
}
