//! What people can do about the commonest sign-in errors. For messages only: no decision is made by these numbers.

use crate::error::{Error, Kind};

const HINTS: &[(i64, &str)] = &[
    // The application's proof.
    (7000215, "the client secret is wrong: the portal shows its value once and its id always; the value is wanted"),
    (7000222, "the client secret has expired: make a new one under Certificates & secrets"),
    (700016, "there is no such application in this tenant: check client_id and tenant_id, and that an administrator has consented"),
    (7000112, "the application is disabled: an administrator enables it under Enterprise applications"),
    (700024, "the assertion is not valid at this time: check this machine's clock"),
    (700027, "the certificate is not registered with the application, or the chain is in the wrong order"),
    (7000213, "the certificate's chain is not trusted: check that all of it is sent and that its root is registered"),
    (7000218, "the application is not marked as a public client: Authentication, Allow public client flows"),
    (70021, "no federated credential of the application matches the token: compare issuer, subject and audience, letter by letter"),
    (700211, "no federated credential of the application has the token's issuer: compare them, with the slash at the end"),
    (700212, "no federated credential of the application has the token's audience: it is usually api://AzureADTokenExchange"),
    (
        700213,
        "no federated credential of the application has the token's subject: compare repository, branch, environment or service account",
    ),
    // Where to sign in, and for what.
    (90002, "there is no such tenant: check tenant_id and cloud"),
    (900023, "tenant_id is neither a GUID nor a known domain"),
    (50011, "the redirect URI is not registered: add it under Authentication, Mobile and desktop applications"),
    (500011, "the service is not set up in this tenant: Defender has to be licensed and opened once"),
    (70011, "the scope is malformed: it is an audience with /.default behind it, such as https://graph.microsoft.com/.default"),
    // Consent.
    (65001, "nobody has consented to the permissions: an administrator grants them under API permissions"),
    (
        65002,
        "this tool's application is one of Microsoft's own and may not ask for tokens of this service: sign in another way, such as \
         credential=\"browser\" with an application of your own",
    ),
    (65004, "the consent was declined: sign in again and accept, or ask an administrator to consent"),
    (90094, "only an administrator can consent to these permissions: ask one to, under API permissions"),
    (50105, "the user is not assigned to the application: an administrator assigns users under Enterprise applications"),
    // The user.
    (50020, "the account belongs to another tenant: sign in with one of this tenant, or have it invited as a guest"),
    (50034, "there is no such account in this tenant: check the user name and tenant_id"),
    (50053, "the account is locked after too many wrong passwords, or the address is blocked: wait, then try again"),
    (50055, "the password has expired: change it in a browser first"),
    (50057, "the account is disabled: an administrator enables it"),
    (50126, "user name or password is wrong"),
    // What the tenant wants to be proven.
    (50076, "the account needs a second factor: sign in with a browser or a device code"),
    (50079, "the account has to register a second factor first: sign in with a browser once"),
    (53000, "the tenant lets only managed devices sign in: use one, or credential=\"browser\" on one"),
    (53003, "a Conditional Access policy blocks this sign-in; many tenants block device codes: try credential=\"browser\""),
    (50173, "the password was changed or sessions were ended: sign in again"),
    (70043, "the tenant ends sign-ins after a time: sign in again"),
    (700082, "the sign-in is too old: sign in again"),
    (50196, "too many sign-ins in a row: something asks for tokens without keeping them"),
];

/// The hint of an AADSTS number.
pub(super) fn for_number(number: i64) -> Option<&'static str> {
    HINTS.iter().find(|(n, _)| *n == number).map(|(_, hint)| *hint)
}

/// The first AADSTS number in a text.
pub(super) fn number_in(text: &str) -> Option<i64> {
    let (_, after) = text.split_once("AADSTS")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Where Microsoft explains a number.
pub(super) fn page(number: i64) -> String {
    format!("https://login.microsoftonline.com/error?code={number}")
}

/// A failure of a sign-in always says what to do next: what is known about it by number, or else by its code and kind.
pub(super) fn with_next_step(error: Error) -> Error {
    if error.facts().hint.is_some() {
        return error;
    }
    let step = match (error.facts().code.as_deref(), error.kind()) {
        (Some("invalid_client"), _) => {
            "the login host does not accept what proves the application: check the secret, certificate or assertion, and client_id"
        }
        (Some("unauthorized_client"), _) => {
            "the application may not sign in this way: check client_id, and what its registration allows under Authentication"
        }
        (Some("invalid_scope" | "invalid_resource"), _) => "there is no such scope or audience in this tenant: check cloud= and audience=",
        (Some("invalid_request" | "unsupported_grant_type"), _) => {
            "the login host does not take this request: check tenant_id, authority= and redirect_uri="
        }
        (Some("consent_required"), _) => "nobody has consented to the permissions: an administrator grants them under API permissions",
        (Some("access_denied"), _) => "the sign-in was declined: try again, or ask an administrator whether a policy forbids it",
        (_, Kind::InteractionRequired) => {
            "somebody has to sign in: use credential=\"browser\", \"device-code\" or \"paste\" where a person is present"
        }
        (_, Kind::Connect | Kind::ConnectionLost) => {
            "check that the login host can be reached from here: network, HTTPS_PROXY and NO_PROXY, or proxy="
        }
        (_, Kind::DeadlineExceeded | Kind::Service) => "the login host is slow or failing: try again later",
        (_, Kind::Throttled) => "wait for as long as retry_after says",
        (_, Kind::BadResponse) => "something else than a login host may have answered: check authority=, and for a proxy in between",
        (_, Kind::CredentialUnavailable) => "sign in another way: pass another credential=",
        (_, Kind::Authentication) => {
            "look the number up on the page in `help`, or quote correlation_id, trace_id and timestamp to Microsoft's support"
        }
        _ => return error,
    };
    error.hint(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do_next() {
        let kinds = [
            Kind::Authentication,
            Kind::CredentialUnavailable,
            Kind::InteractionRequired,
            Kind::Connect,
            Kind::ConnectionLost,
            Kind::DeadlineExceeded,
            Kind::Throttled,
            Kind::Service,
            Kind::BadResponse,
        ];
        for kind in kinds {
            assert!(with_next_step(Error::new(kind, "no")).facts().hint.is_some(), "{kind:?}");
        }
        for code in
            ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_request", "consent_required", "access_denied", "other"]
        {
            let error = Error::new(Kind::Authentication, "no").with(|f| f.code = Some(code.to_owned()));
            assert!(with_next_step(error).facts().hint.is_some(), "{code}");
        }
        let known = Error::new(Kind::Authentication, "no").hint("this");
        assert_eq!(with_next_step(known).facts().hint.as_deref(), Some("this"), "what is known better stays");
    }

    #[test]
    fn every_number_has_one_hint_that_says_what_to_do_or_to_check() {
        for (at, (number, hint)) in HINTS.iter().enumerate() {
            assert_eq!(HINTS.iter().position(|(n, _)| n == number), Some(at), "{number} comes twice");
            assert!(hint.len() > 20 && !hint.contains("AADSTS") && !hint.ends_with('.'), "{hint}");
        }
        // Those that sign-in to Defender runs into most.
        for number in [
            7000215, 7000222, 700016, 700024, 700027, 7000213, 7000218, 90002, 900023, 50011, 50020, 500011, 65001, 65002, 70011, 50076,
            50079, 53003, 50126, 700082, 50196,
        ] {
            assert!(for_number(number).is_some(), "{number}");
        }
        assert_eq!(for_number(1), None);
    }

    #[test]
    fn the_number_in_a_text_is_found() {
        for (text, number) in [
            ("ERROR: AADSTS65002: Consent", Some(65002)),
            ("AADSTS50076", Some(50076)),
            ("AADSTS", None),
            ("AADSTSx1", None),
            ("AADSTS99999999999999999999", None),
            ("50076", None),
        ] {
            assert_eq!(number_in(text), number, "{text}");
        }
    }
}
