//! Every way to sign in, and every way to be refused.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::*;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token request is answered with: status, error and number.
fn refusal(answer: &Answer) -> (u16, String, String) {
    (answer.status, answer.at("error"), answer.at("error_codes/0"))
}

fn told(status: u16, error: &str, code: u32) -> (u16, String, String) {
    (status, error.to_owned(), code.to_string())
}

#[test]
fn an_application_signs_in_in_all_ways() {
    let sandbox = start();
    let id = sandbox.identity();
    let answer = sign_in(&sandbox, &format!("{ENDPOINT}/.default"), &[]);
    assert_eq!(
        (answer.status, answer.at("token_type"), answer.at("expires_in"), answer.at("ext_expires_in")),
        (200, "Bearer".into(), "3599".into(), "3599".into())
    );
    assert!(answer.header("Cache-Control").unwrap().contains("no-store"));
    assert!(answer.json().get("refresh_token").is_none());
    let token = answer.at("access_token");
    for (name, value) in [("aud", ENDPOINT), ("tid", &id.tenant_id), ("appid", &id.client_id), ("ver", "1.0"), ("idtyp", "app")] {
        assert_eq!(claim(&token, name), value);
    }
    let number = |name: &str| claims(&token).get(name).unwrap().as_i64().unwrap();
    assert_eq!(number("exp") - number("iat"), 3600);
    assert!(number("nbf") <= number("iat"));
    assert!(claims(&token).get("scp").is_none());
    assert!(["iss", "oid", "uti", "sub"].iter().all(|n| !claim(&token, n).is_empty()));
    // Only the permissions of that audience's service.
    let roles = |resource: &str| claim(&app_token(&sandbox, resource), "roles");
    assert!(
        roles(ENDPOINT).contains("Machine.Isolate")
            && !roles(ENDPOINT).contains("Incident")
            && !roles(ENDPOINT).contains("\"Machine.Read\"")
    );
    assert!(roles(XDR).contains("Incident.ReadWrite.All") && !roles(XDR).contains("Machine"));
    assert!(roles(GRAPH).contains("ThreatHunting.Read.All") && !roles(GRAPH).contains("Machine"));
    // Aliases of the audience, and its trailing slash.
    for alias in [
        "https://securitycenter.onmicrosoft.com/windowsatpservice",
        "https://api.securitycenter.windows.com",
        "https://api.securitycenter.microsoft.com/",
        "fc780465-2017-40d4-a0c5-307022471b92",
    ] {
        let token = app_token(&sandbox, alias);
        assert_eq!(claim(&token, "aud"), alias);
        assert_eq!(call(&sandbox, &token, "GET", "/api/machines", "").status, 200, "{alias}");
    }
    // The secret as Basic authentication, and the tenant by its domain.
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", id.client_id, id.client_secret));
    let path = format!("/{}/oauth2/v2.0/token", id.domain);
    let body = form(&[("grant_type", "client_credentials"), ("scope", &format!("{XDR}/.default"))]);
    assert_eq!(send(&sandbox, "POST", &path, &[("Authorization", &format!("Basic {basic}"))], &body).status, 200);
    // The first version of the endpoint: texts for numbers.
    let first = [
        ("grant_type", "client_credentials"),
        ("client_id", id.client_id.as_str()),
        ("client_secret", &id.client_secret),
        ("resource", GRAPH),
    ];
    let answer = post_form(&sandbox, "/{t}/oauth2/token", &first);
    assert_eq!((answer.status, answer.json().get("expires_in"), answer.at("resource")), (200, Some(&"3599".into()), GRAPH.into()));
    assert_eq!(claim(&answer.at("access_token"), "aud"), GRAPH);
    assert_eq!(post_form(&sandbox, "/{t}/oauth2/token", &first[..3]).at("error_codes/0"), "900144");
    // Nothing of it is in the log.
    let log = format!("{:?}", sandbox.requests());
    assert!(!log.contains(&id.client_secret) && !log.contains(&token));
}

#[test]
fn sign_in_errors_are_worded_as_by_entra() {
    let sandbox = start();
    let id = sandbox.identity();
    let scope = format!("{ENDPOINT}/.default");
    let one = |more: &[(&str, &str)]| sign_in(&sandbox, &scope, more);
    for (answer, status, error, code) in [
        (one(&[("client_secret", "wrong")]), 401, "invalid_client", 7_000_215),
        (one(&[("client_secret", "-")]), 401, "invalid_client", 7_000_218),
        (one(&[("client_id", "11111111-1111-1111-1111-111111111111")]), 400, "unauthorized_client", 700_016),
        (one(&[("client_id", "-")]), 400, "invalid_request", 900_144),
        (one(&[("client_id", &id.public_client_id)]), 401, "invalid_client", 700_025),
        (one(&[("scope", "-")]), 400, "invalid_request", 900_144),
        (one(&[("scope", "nonsense")]), 400, "invalid_scope", 70_011),
        (one(&[("scope", "https://example.invalid/.default")]), 400, "invalid_resource", 500_011),
        (one(&[("scope", &format!("{ENDPOINT}/Machine.Read"))]), 400, "invalid_scope", 1_002_012),
        (one(&[("scope", &format!("{ENDPOINT}/Machine.Fly"))]), 400, "invalid_scope", 70_011),
        (one(&[("scope", &format!("{ENDPOINT}/.default {GRAPH}/.default"))]), 400, "invalid_request", 28_000),
        (one(&[("grant_type", "-")]), 400, "invalid_request", 900_144),
        (one(&[("grant_type", "magic")]), 400, "unsupported_grant_type", 70_003),
        (
            post_form(&sandbox, "/nowhere.example/oauth2/v2.0/token", &[("grant_type", "client_credentials")]),
            400,
            "invalid_request",
            90_002,
        ),
        (post_form(&sandbox, "/common/oauth2/v2.0/token", &[("grant_type", "client_credentials")]), 400, "invalid_request", 50_059),
        (send(&sandbox, "GET", &format!("/{}/oauth2/v2.0/token", id.tenant_id), &[], ""), 405, "invalid_request", 900_561),
        (poll(&sandbox, "no-such-code"), 400, "bad_verification_code", 70_019),
    ] {
        assert_eq!(
            (answer.status, answer.at("error").as_str(), answer.at("error_codes/0")),
            (status, error, format!("{code}")),
            "{answer:?}"
        );
        let text = answer.at("error_description");
        assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
        for part in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            text.contains(&answer.at("trace_id")) && text.contains(&answer.at("correlation_id")) && text.contains(&answer.at("timestamp"))
        );
        assert_eq!(answer.header("x-ms-request-id"), Some(answer.at("trace_id").as_str()));
        assert!(answer.at("error_uri").contains(&code.to_string()));
    }
    let answer = send(&sandbox, "POST", &format!("/{}/oauth2/v2.0/token", id.tenant_id), &[("client-request-id", "abc")], "");
    assert_eq!(answer.at("correlation_id"), "abc");
}

#[test]
fn a_device_code_is_pending_until_a_person_answers() {
    let sandbox = Sandbox::start(Options { auto_approve: false, ..Options::default() }).unwrap();
    let code = device_code(&sandbox, &format!("{GRAPH}/.default openid profile offline_access"));
    assert_eq!((code.status, code.at("interval"), code.at("expires_in"), code.at("user_code").len()), (200, "1".into(), "900".into(), 9));
    assert!(code.at("message").contains(&code.at("verification_uri")) && code.at("message").contains(&code.at("user_code")));
    assert!(code.at("verification_uri").ends_with("/device"));
    let given = code.at("device_code");
    assert_eq!(poll(&sandbox, &given).at("error"), "authorization_pending");
    assert_eq!(poll(&sandbox, &given).at("error"), "slow_down");
    sandbox.advance(1);
    let pending = poll(&sandbox, &given);
    assert_eq!((pending.at("error").as_str(), pending.at("error_codes/0").as_str()), ("authorization_pending", "70016"));
    assert!(!sandbox.approve("WRONGCODE", None));
    assert!(!sandbox.approve(&code.at("user_code"), Some("nobody@example.com")));
    assert!(sandbox.approve(&code.at("user_code").to_lowercase(), None));
    assert!(!sandbox.approve(&code.at("user_code"), None));
    sandbox.advance(1);
    let answer = poll(&sandbox, &given);
    assert_eq!(answer.status, 200, "{answer:?}");
    let (token, user) = (answer.at("access_token"), sandbox.identity().user);
    assert_eq!((claim(&token, "upn"), claim(&token, "unique_name"), claim(&token, "idtyp")), (user.clone(), user.clone(), "user".into()));
    assert!(!claim(&token, "name").is_empty() && claims(&token).get("roles").is_none());
    assert!(claim(&token, "scp").split(' ').any(|s| s == "ThreatHunting.Read.All"));
    let scope = answer.at("scope");
    assert!(scope.starts_with("openid profile ") && scope.contains(&format!(" {GRAPH}/ThreatHunting.Read.All")), "{scope}");
    assert!(scope.ends_with(&format!(" {GRAPH}/.default")) && !scope.contains("offline_access"), "{scope}");
    let info = json::parse(&jwt::decode(&answer.at("client_info")).unwrap()).unwrap();
    assert_eq!(info.get("utid").unwrap().as_str(), Some(sandbox.identity().tenant_id.as_str()));
    assert_eq!(info.get("uid").unwrap().as_str(), Some(claim(&token, "oid").as_str()));
    assert_eq!(claim(&answer.at("id_token"), "preferred_username"), user);
    assert_eq!(claim(&answer.at("id_token"), "aud"), sandbox.identity().public_client_id);
    assert_eq!(poll(&sandbox, &given).at("error"), "invalid_grant");

    // Another audience for the same person, by the refresh token.
    let id = sandbox.identity();
    let refresh = |token: &str, scope: &str| {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", id.public_client_id.as_str()), ("refresh_token", token), ("scope", scope)];
        post_form(&sandbox, "/organizations/oauth2/v2.0/token", &fields)
    };
    let other = refresh(&answer.at("refresh_token"), &format!("{ENDPOINT}/Machine.Read offline_access"));
    assert_eq!((claim(&other.at("access_token"), "aud"), claim(&other.at("access_token"), "upn")), (ENDPOINT.into(), user));
    assert_eq!(call(&sandbox, &other.at("access_token"), "GET", "/api/machines", "").status, 200);
    assert!(!other.at("refresh_token").is_empty());
    assert_eq!(refresh("nope", &format!("{GRAPH}/.default")).at("error"), "invalid_grant");
    sandbox.revoke("Machine.Read");
    let refused = refresh(&other.at("refresh_token"), &format!("{ENDPOINT}/Machine.Read"));
    assert_eq!((refused.at("error_codes/0"), refused.at("suberror")), ("65001".into(), "consent_required".into()));
}

#[test]
fn device_codes_are_declined_expire_and_grant_themselves() {
    let sandbox = start();
    let code = device_code(&sandbox, &format!("{GRAPH}/.default"));
    assert!(sandbox.deny(&code.at("user_code")));
    let declined = poll(&sandbox, &code.at("device_code"));
    assert_eq!((declined.at("error"), declined.at("error_codes/0")), ("authorization_declined".into(), "70018".into()));

    let code = device_code(&sandbox, &format!("{GRAPH}/.default"));
    sandbox.advance(901);
    let expired = poll(&sandbox, &code.at("device_code"));
    assert_eq!((expired.at("error"), expired.at("error_codes/0")), ("expired_token".into(), "70020".into()));
    assert!(!sandbox.approve(&code.at("user_code"), None));

    let code = device_code(&sandbox, &format!("{GRAPH}/.default"));
    assert_eq!(poll(&sandbox, &code.at("device_code")).at("error"), "authorization_pending");
    assert_eq!(poll(&sandbox, &code.at("device_code")).at("error"), "slow_down");
    sandbox.advance(1);
    assert_eq!(poll(&sandbox, &code.at("device_code")).status, 200);
}

#[test]
fn the_device_page_is_for_people_and_safe() {
    let sandbox = Sandbox::start(Options { auto_approve: false, ..Options::default() }).unwrap();
    let page = format!("/{}/device", sandbox.identity().tenant_id);
    let shown = send(&sandbox, "GET", &format!("{page}?user_code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"), &[], "");
    assert_eq!(shown.status, 200);
    assert!(!shown.body.contains("<script") && shown.body.contains("&lt;script"));
    assert!(shown.header("Content-Security-Policy").unwrap().contains("default-src 'none'"));
    assert!(shown.body.contains(&sandbox.identity().user));
    for (answer, expected) in [("approve", 200), ("deny", 400)] {
        let code = device_code(&sandbox, &format!("{GRAPH}/.default"));
        let fields = form(&[("user_code", &code.at("user_code")), ("user", &sandbox.identity().user), ("answer", answer)]);
        let foreign = send(&sandbox, "POST", &page, &[("Origin", "https://evil.example")], &fields);
        assert_eq!(foreign.status, 403);
        let own = send(&sandbox, "POST", &page, &[("Origin", sandbox.url())], &fields);
        assert_eq!(own.status, 200, "{own:?}");
        assert_eq!(poll(&sandbox, &code.at("device_code")).status, expected);
        assert_eq!(send(&sandbox, "POST", &page, &[], &fields).status, 400);
    }
}

#[test]
fn discovery_leads_to_everything_that_libraries_ask_for() {
    let sandbox = start();
    let tenant = sandbox.identity().tenant_id;
    for id in [tenant.as_str(), "common", "organizations"] {
        let answer = send(&sandbox, "GET", &format!("/{id}/v2.0/.well-known/openid-configuration"), &[], "");
        assert_eq!(answer.status, 200);
        for (name, path) in [
            ("token_endpoint", "/oauth2/v2.0/token"),
            ("device_authorization_endpoint", "/oauth2/v2.0/devicecode"),
            ("authorization_endpoint", "/oauth2/v2.0/authorize"),
            ("jwks_uri", "/discovery/v2.0/keys"),
            ("issuer", "/v2.0"),
        ] {
            assert!(answer.at(name).ends_with(&format!("/{id}{path}")), "{name}");
        }
        let keys = send(&sandbox, "GET", &format!("/{id}/discovery/v2.0/keys"), &[], "");
        assert_eq!(keys.at("keys/0/kty"), "RSA");
    }
    assert_eq!(send(&sandbox, "GET", "/nowhere.example/v2.0/.well-known/openid-configuration", &[], "").at("error_codes/0"), "90002");
    assert_eq!(send(&sandbox, "GET", &format!("/{tenant}/.well-known/openid-configuration"), &[], "").status, 200);
}

/// The sandbox's own signing key, as one that the application registered: making an RSA key takes seconds.
fn app_key() -> &'static (ring::rsa::KeyPair, String, Vec<u8>) {
    static KEY: OnceLock<(ring::rsa::KeyPair, String, Vec<u8>)> = OnceLock::new();
    KEY.get_or_init(|| {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("../data/signing-key.pem")).unwrap();
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256).unwrap();
        let der = CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap().der().to_vec();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&der));
        (ring::rsa::KeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()).unwrap(), pem, der)
    })
}

fn assertion(algorithm: &str, header: Value, claims: Value) -> String {
    let (key, ..) = app_key();
    let mut header = header.as_object().unwrap().clone();
    header.insert("alg".into(), algorithm.into());
    let text = format!("{}.{}", jwt::encode(Value::Object(header).to_string().as_bytes()), jwt::encode(claims.to_string().as_bytes()));
    let mut signature = vec![0; key.public().modulus_len()];
    let padding: &'static dyn ring::signature::RsaEncoding = if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    key.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", jwt::encode(&signature))
}

struct Signer {
    sandbox: Sandbox,
    endpoint: String,
}

impl Signer {
    fn new(options: Options) -> Signer {
        let sandbox = Sandbox::start(options).unwrap();
        sandbox.register_certificate(&app_key().1).unwrap();
        let endpoint = format!("{}/{}/oauth2/v2.0/token", sandbox.url(), sandbox.identity().tenant_id);
        Signer { sandbox, endpoint }
    }

    fn header(&self) -> Value {
        let hash = ring::digest::digest(&ring::digest::SHA256, &app_key().2);
        json::object([("typ", "JWT".into()), ("x5t#S256", jwt::encode(hash.as_ref()).into())])
    }

    fn claims(&self, more: &[(&str, Value)]) -> Value {
        let now = self.sandbox.house.clock.seconds();
        let id = self.sandbox.identity().client_id;
        let mut claims = json::Object::new();
        for (name, value) in [("iss", id.as_str()), ("sub", id.as_str()), ("aud", &self.endpoint), ("jti", &super::super::wire::guid())] {
            claims.insert(name.into(), value.into());
        }
        claims.insert("nbf".into(), now.into());
        claims.insert("exp".into(), (now + 600).into());
        for (name, value) in more {
            claims.insert((*name).to_owned(), value.clone());
        }
        Value::Object(claims)
    }

    fn present(&self, assertion: &str) -> Answer {
        let more = [("client_secret", "-"), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
        sign_in(&self.sandbox, &format!("{GRAPH}/.default"), &more)
    }

    fn with(&self, more: &[(&str, Value)]) -> Answer {
        self.present(&assertion("PS256", self.header(), self.claims(more)))
    }
}

#[test]
fn a_certificates_key_opens_like_a_secret() {
    let signer = Signer::new(Options::default());
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &app_key().2);
    let thumbprint: String = sha1.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    for (algorithm, header) in [
        ("PS256", signer.header()),
        ("RS256", signer.header()),
        ("RS256", json::object([("x5t", jwt::encode(sha1.as_ref()).into())])),
        ("RS256", json::object([("x5t", STANDARD.encode(sha1.as_ref()).into())])),
        ("PS256", json::object([("kid", thumbprint.as_str().into())])),
    ] {
        let answer = signer.present(&assertion(algorithm, header.clone(), signer.claims(&[])));
        assert_eq!(answer.status, 200, "{algorithm} {header:?}: {answer:?}");
        assert_eq!(claim(&answer.at("access_token"), "idtyp"), "app");
    }
    let (tenant, port) = (signer.sandbox.identity().tenant_id, signer.sandbox.url().rsplit(':').next().unwrap().to_owned());
    for audience in [
        format!("http://localhost:{port}/{tenant}/oauth2/v2.0/token"),
        format!("{}/{tenant}/oauth2/token", signer.sandbox.url()),
        format!("{}/{}/oauth2/v2.0/token", signer.sandbox.url(), signer.sandbox.identity().domain),
    ] {
        assert_eq!(signer.with(&[("aud", audience.as_str().into())]).status, 200, "{audience}");
    }
    let fraction = signer.sandbox.house.clock.seconds() as f64 + 60.5;
    assert_eq!(signer.with(&[("exp", Value::Float(fraction))]).status, 200, "MSAL writes fractions");
    let once = assertion("PS256", signer.header(), signer.claims(&[]));
    assert_eq!((signer.present(&once).status, signer.present(&once).status), (200, 200), "Entra lets it be presented again");
}

#[test]
fn each_thing_that_is_wrong_with_an_assertion_has_its_number() {
    let signer = Signer::new(Options { strict_assertions: true, ..Options::default() });
    let now = signer.sandbox.house.clock.seconds();
    let endpoint = &signer.endpoint;
    for (what, answer, code) in [
        ("expired", signer.with(&[("exp", (now - 301).into())]), 700_024),
        ("not yet", signer.with(&[("nbf", (now + 330).into())]), 700_024),
        ("for another", signer.with(&[("aud", "https://login.microsoftonline.com/x/oauth2/v2.0/token".into())]), 700_023),
        ("for another path", signer.with(&[("aud", format!("{endpoint}/x").into())]), 700_023),
        ("by another", signer.with(&[("iss", "x".into())]), 700_021),
        ("of another", signer.with(&[("sub", "x".into())]), 700_021),
        ("endless", signer.with(&[("exp", Value::Null)]), 50_027),
        ("nameless", signer.with(&[("jti", "".into())]), 50_027),
        ("torn", signer.present("a.b"), 50_027),
        (
            "by a key that is not there",
            signer.present(&assertion("PS256", json::object([("kid", "AA".into())]), signer.claims(&[]))),
            700_027,
        ),
        ("by no algorithm", signer.present(&assertion("none", signer.header(), signer.claims(&[]))), 700_027),
    ] {
        assert_eq!(refusal(&answer), told(401, "invalid_client", code), "{what}");
    }
    assert_eq!(signer.with(&[("exp", (now - 200).into())]).status, 200, "clocks may differ by five minutes");
    let good = assertion("PS256", signer.header(), signer.claims(&[]));
    let other = assertion("PS256", signer.header(), signer.claims(&[]));
    let mixed = format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    assert_eq!(refusal(&signer.present(&mixed)), told(401, "invalid_client", 700_027));
    assert_eq!(signer.present(&good).status, 200);
    assert_eq!(refusal(&signer.present(&good)), told(401, "invalid_client", 50_027));
    let without = sign_in(&signer.sandbox, &format!("{GRAPH}/.default"), &[("client_secret", "-"), ("client_assertion", other.as_str())]);
    assert_eq!(refusal(&without), told(400, "invalid_request", 900_144));
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(signer.sandbox.register_certificate(text).is_err(), "{text:?}");
    }
}

#[test]
fn another_platforms_token_opens_if_its_subject_is_trusted() {
    let signer = Signer::new(Options { strict_assertions: true, ..Options::default() });
    let mint = |subject: &str, audience: &str, trusted| signer.sandbox.federated_token(subject, audience, 600, trusted);
    let token = mint("repo:hunting", "", true);
    assert_eq!((signer.present(&token).status, signer.present(&token).status), (200, 200), "from a file, it comes again and again");
    assert_eq!(refusal(&signer.present(&mint("stranger", "", false))), told(401, "invalid_client", 700_213));
    assert_eq!(refusal(&signer.present(&mint("repo:hunting", "api://other", true))), told(401, "invalid_client", 700_212));
    let parts: Vec<&str> = token.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], jwt::encode(&[7; 256]));
    assert_eq!(refusal(&signer.present(&forged)), told(401, "invalid_client", 700_027));
    signer.sandbox.advance(901);
    assert_eq!(refusal(&signer.present(&token)), told(401, "invalid_client", 700_024));
}

fn ask(sandbox: &Sandbox, fields: &[(&str, &str)]) -> Answer {
    post_form(sandbox, "/{t}/oauth2/v2.0/token", fields)
}

fn with_password(sandbox: &Sandbox, user: &str, password: &str, scope: &str) -> Answer {
    let client = sandbox.identity().public_client_id;
    let fields = [("grant_type", "password"), ("client_id", client.as_str()), ("username", user), ("password", password), ("scope", scope)];
    ask(sandbox, &fields)
}

#[test]
fn a_password_signs_in_where_nothing_more_is_wanted() {
    let sandbox = start();
    let id = sandbox.identity();
    let scope = format!("{ENDPOINT}/.default offline_access openid");
    let one = |user: &str, password: &str| with_password(&sandbox, user, password, &scope);
    let answer = one(&id.user.to_uppercase(), &id.user_password);
    assert_eq!(claim(&answer.at("access_token"), "upn"), id.user);
    assert!(!answer.at("refresh_token").is_empty() && !answer.at("id_token").is_empty());
    assert_eq!(refusal(&one(&id.user, "guess")), told(400, "invalid_grant", 50_126));
    assert_eq!(refusal(&one("nobody@example.com", &id.user_password)), told(400, "invalid_grant", 50_034));
    assert!(sandbox.require_mfa(&id.user) && !sandbox.require_mfa("nobody"));
    let more = one(&id.user, &id.user_password);
    assert_eq!(refusal(&more), told(400, "interaction_required", 50_076));
    assert!(json::parse(more.at("claims").as_bytes()).unwrap().get("access_token").is_some());
    sandbox.reset();
    assert_eq!(one(&id.user, &id.user_password).status, 200);
    let listed = Sandbox::start(Options { mfa_users: vec![id.user.to_uppercase()], ..Options::default() }).unwrap();
    assert_eq!(with_password(&listed, &id.user, &id.user_password, &scope).at("error_codes/0"), "50076");

    let closed = Sandbox::start(Options { public_flows: false, ..Options::default() }).unwrap();
    let shut = with_password(&closed, &id.user, &id.user_password, &scope);
    assert_eq!(refusal(&shut), told(401, "invalid_client", 7_000_218));
    let code = device_code(&closed, &scope);
    closed.approve(&code.at("user_code"), None);
    assert_eq!(refusal(&poll(&closed, &code.at("device_code"))), told(401, "invalid_client", 7_000_218));
}

#[test]
fn an_application_acts_for_who_called_it() {
    let sandbox = start();
    let id = sandbox.identity();
    let behalf = |assertion: &str, more: &[(&str, &str)]| {
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("client_id", id.client_id.as_str()),
            ("client_secret", id.client_secret.as_str()),
            ("requested_token_use", "on_behalf_of"),
            ("scope", "https://graph.microsoft.com/.default offline_access openid profile"),
            ("assertion", assertion),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(n, _)| n == name));
        fields.extend(more.iter().filter(|(_, v)| *v != "-"));
        ask(&sandbox, &fields)
    };
    let sent = |scope: &str| with_password(&sandbox, &id.user, &id.user_password, scope).at("access_token");
    for scope in [format!("api://{}/user_impersonation", id.client_id), format!("{}/.default", id.client_id)] {
        let token = sent(&scope);
        assert_eq!(claim(&token, "scp"), "user_impersonation");
        let answer = behalf(&token, &[]);
        let got = answer.at("access_token");
        assert_eq!((claim(&got, "aud"), claim(&got, "upn"), claim(&got, "appid")), (GRAPH.into(), id.user.clone(), id.client_id.clone()));
        assert!(!answer.at("refresh_token").is_empty());
        assert_eq!(call(&sandbox, &got, "GET", "/v1.0/security/incidents?$top=1", "").status, 200);
        assert_eq!(call(&sandbox, &token, "GET", "/v1.0/security/incidents?$top=1", "").status, 401, "it is for the application");
    }
    let good = sent(&format!("{}/.default", id.client_id));
    let app = app_token(&sandbox, &format!("api://{}", id.client_id));
    for (what, assertion) in [
        ("for somebody else", sent(&format!("{GRAPH}/.default"))),
        ("for the other application", sent(&format!("{}/.default", id.public_client_id))),
        ("an application's", app),
        ("forged", format!("{}x", &good[..good.len() - 1])),
        ("nonsense", "x".to_owned()),
    ] {
        assert_eq!(refusal(&behalf(&assertion, &[])), told(400, "invalid_grant", 50_013), "{what}");
    }
    assert_eq!(behalf(&good, &[("client_secret", "-")]).at("error_codes/0"), "7000218");
    assert_eq!(behalf(&good, &[("requested_token_use", "-")]).at("error_codes/0"), "900144");
    sandbox.require_mfa(&id.user);
    let more = behalf(&good, &[]);
    assert_eq!(refusal(&more), told(400, "interaction_required", 50_076));
    assert!(more.at("claims").contains("access_token"));
    sandbox.reset();
    sandbox.advance(3601);
    assert_eq!(refusal(&behalf(&good, &[])), told(400, "invalid_grant", 50_013));
}

fn refresh(sandbox: &Sandbox, token: &str) -> Answer {
    let client = sandbox.identity().public_client_id;
    let scope = format!("{GRAPH}/.default");
    ask(sandbox, &[("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", token), ("scope", &scope)])
}

#[test]
fn an_old_refresh_token_stays_good_or_ends_its_family() {
    let lenient = start();
    let first = user_sign_in(&lenient, GRAPH).at("refresh_token");
    let second = refresh(&lenient, &first).at("refresh_token");
    assert_ne!(first, second);
    assert_eq!((refresh(&lenient, &first).status, refresh(&lenient, &second).status), (200, 200));

    let strict = Sandbox::start(Options { rotate_strictly: true, ..Options::default() }).unwrap();
    let other = user_sign_in(&strict, GRAPH).at("refresh_token");
    let first = user_sign_in(&strict, GRAPH).at("refresh_token");
    let second = refresh(&strict, &first).at("refresh_token");
    assert_eq!(refresh(&strict, &first).at("error"), "invalid_grant");
    assert_eq!(refresh(&strict, &second).at("error"), "invalid_grant", "the thief's and the owner's end together");
    assert_eq!(refresh(&strict, &other).status, 200, "another sign-in's does not");
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const LOOPBACK: &str = "http://localhost:4711";

fn visit(sandbox: &Sandbox, more: &[(&str, &str)]) -> Answer {
    visit_with(sandbox, more, "GET", &[], "")
}

fn visit_with(sandbox: &Sandbox, more: &[(&str, &str)], method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let client = sandbox.identity().public_client_id;
    let scope = format!("{GRAPH}/.default openid offline_access");
    let mut fields = vec![
        ("client_id", client.as_str()),
        ("response_type", "code"),
        ("redirect_uri", LOOPBACK),
        ("scope", &scope),
        ("state", "a state&more"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(n, _)| n == name));
    fields.extend(more.iter().filter(|(_, v)| *v != "-"));
    let path = format!("/{}/oauth2/v2.0/authorize?{}", sandbox.identity().tenant_id, form(&fields));
    send(sandbox, method, &path, headers, body)
}

/// The fields with which somebody is sent back.
fn sent_back(answer: &Answer) -> std::collections::HashMap<String, String> {
    assert_eq!(answer.status, 302, "{answer:?}");
    let url = url::Url::parse(answer.header("Location").unwrap()).unwrap();
    let text = url.fragment().or(url.query()).unwrap_or_default();
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn redeem(sandbox: &Sandbox, code: &str, more: &[(&str, &str)]) -> Answer {
    let client = sandbox.identity().public_client_id;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(n, _)| n == name));
    fields.extend(more.iter().filter(|(_, v)| *v != "-"));
    ask(sandbox, &fields)
}

#[test]
fn a_browser_comes_back_with_a_code_that_is_good_once() {
    let sandbox = start();
    let id = sandbox.identity();
    let answer = visit(&sandbox, &[]);
    assert!(answer.header("Location").unwrap().starts_with("http://localhost:4711/?"), "Entra writes the slash");
    let back = sent_back(&answer);
    assert_eq!(back["state"], "a state&more");
    let got = redeem(&sandbox, &back["code"], &[]);
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!((claim(&got.at("access_token"), "upn"), claim(&got.at("id_token"), "nonce")), (id.user.clone(), "n-1".into()));
    assert_eq!(refresh(&sandbox, &got.at("refresh_token")).status, 200);
    assert_eq!(refusal(&redeem(&sandbox, &back["code"], &[])), told(400, "invalid_grant", 54_005));

    let code = || sent_back(&visit(&sandbox, &[])).remove("code").unwrap();
    let wrong = "x".repeat(43);
    assert_eq!(refusal(&redeem(&sandbox, &code(), &[("code_verifier", &wrong)])), told(400, "invalid_grant", 501_481));
    assert_eq!(refusal(&redeem(&sandbox, &code(), &[("code_verifier", "-")])), told(400, "invalid_request", 900_144));
    assert_eq!(refusal(&redeem(&sandbox, &code(), &[("redirect_uri", "http://localhost:1")])), told(400, "invalid_grant", 500_112));
    assert_eq!(refusal(&redeem(&sandbox, "x", &[])), told(400, "invalid_grant", 9_002_313));
    let confidential = [("client_id", id.client_id.as_str()), ("client_secret", id.client_secret.as_str())];
    assert_eq!(refusal(&redeem(&sandbox, &code(), &confidential)), told(400, "invalid_grant", 9_002_313), "another application's");
    let own = sent_back(&visit(&sandbox, &confidential[..1])).remove("code").unwrap();
    assert_eq!(redeem(&sandbox, &own, &confidential[..1]).at("error_codes/0"), "7000218");
    assert_eq!(redeem(&sandbox, &own, &confidential).status, 200);
    let late = code();
    sandbox.advance(601);
    assert_eq!(refusal(&redeem(&sandbox, &late, &[])), told(400, "invalid_grant", 70_008));
    let log = format!("{:?}", sandbox.requests());
    assert!(!log.contains(&back["code"]) && !log.contains("a state"));
}

#[test]
fn the_answer_goes_back_in_three_ways() {
    let sandbox = start();
    let hash = visit(&sandbox, &[("response_mode", "fragment"), ("redirect_uri", "http://127.0.0.1:9/done?a=1")]);
    assert!(hash.header("Location").unwrap().starts_with("http://127.0.0.1:9/done?a=1#code="));
    let both = visit(&sandbox, &[("redirect_uri", "http://127.0.0.1:9/done?a=1"), ("client_info", "1")]);
    assert!(both.header("Location").unwrap().starts_with("http://127.0.0.1:9/done?a=1&code="));
    assert!(sent_back(&both).contains_key("client_info"));
    let page = visit(&sandbox, &[("response_mode", "form_post"), ("state", "\"><script>")]);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<form method=\"post\" action=\"http://localhost:4711/\">") && page.body.contains("<button>"));
    assert!(page.body.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{}", page.body);
    let policy = page.header("Content-Security-Policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")) && policy.contains("form-action http://localhost:4711;"));
    let native = visit(&sandbox, &[("redirect_uri", "https://login.microsoftonline.com/common/oauth2/nativeclient")]);
    assert!(native.header("Location").unwrap().starts_with("https://login.microsoftonline.com/common/oauth2/nativeclient?code="));
    let own = format!("{}/common/oauth2/nativeclient", sandbox.url());
    assert!(visit(&sandbox, &[("redirect_uri", &own)]).header("Location").unwrap().starts_with(&own));
    assert_eq!(send(&sandbox, "GET", "/common/oauth2/nativeclient?code=x", &[], "").status, 200);
}

#[test]
fn who_cannot_be_sent_back_sees_a_page() {
    let sandbox = start();
    for (more, code) in [
        ([("redirect_uri", "https://localhost:4711")], 50_011),
        ([("redirect_uri", "http://evil.example")], 50_011),
        ([("redirect_uri", "http://localhost.evil.example:4711")], 50_011),
        ([("redirect_uri", "http://user@localhost:4711")], 50_011),
        ([("redirect_uri", "http://[::1]:4711")], 50_011),
        ([("redirect_uri", "javascript:alert(1)")], 50_011),
        ([("redirect_uri", "https://login.microsoftonline.com/common/oauth2/nativeclient/x")], 50_011),
        ([("redirect_uri", "-")], 900_144),
        ([("client_id", "11111111-1111-1111-1111-111111111111")], 700_016),
        ([("response_mode", "smoke")], 90_023),
        ([("login_hint", "nobody@example.com")], 50_034),
    ] {
        let answer = visit(&sandbox, &more);
        assert_eq!((answer.status, answer.header("Location")), (400, None), "{more:?}");
        assert!(answer.body.contains(&format!("AADSTS{code}: ")) && !answer.body.contains("<script"), "{more:?}: {}", answer.body);
    }
    assert_eq!(send(&sandbox, "PUT", "/common/oauth2/v2.0/authorize", &[], "").status, 405);
}

#[test]
fn who_can_be_sent_back_is_sent_back_with_the_error() {
    let sandbox = start();
    for (more, error, code) in [
        ([("response_type", "token")], "unsupported_response_type", 700_054),
        ([("response_type", "-")], "invalid_request", 900_144),
        ([("scope", "-")], "invalid_request", 900_144),
        ([("scope", "https://example.invalid/.default")], "invalid_resource", 500_011),
        ([("code_challenge_method", "plain")], "invalid_request", 50_147),
        ([("code_challenge_method", "-")], "invalid_request", 50_147),
        ([("code_challenge", "short")], "invalid_request", 50_147),
        ([("prompt", "maybe")], "invalid_request", 90_023),
        ([("prompt", "none")], "login_required", 50_058),
        ([("claims", "[]")], "invalid_request", 9_002_313),
    ] {
        let back = sent_back(&visit(&sandbox, &more));
        assert_eq!((back["error"].as_str(), back["state"].as_str()), (error, "a state&more"), "{more:?}");
        assert!(back["error_description"].starts_with(&format!("AADSTS{code}: ")), "{back:?}");
    }
    sandbox.revoke("Machine.Read");
    let back = sent_back(&visit(&sandbox, &[("scope", &format!("{ENDPOINT}/Machine.Read"))]));
    assert_eq!(back["error"], "consent_required");
}

#[test]
fn a_person_signs_in_on_the_page_and_the_browser_remembers() {
    let sandbox = Sandbox::start(Options { auto_approve: false, ..Options::default() }).unwrap();
    let id = sandbox.identity();
    let other = sandbox.house.people().into_iter().map(|(upn, _)| upn).find(|upn| *upn != id.user).unwrap();
    let page = visit(&sandbox, &[("login_hint", &other)]);
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("<option value=\"{other}\" selected>")) && !page.body.contains("<script"));
    assert!(page.header("Content-Security-Policy").unwrap().contains("form-action 'self' http://localhost:4711;"));
    let press = |answer: &str, headers: &[(&str, &str)]| {
        visit_with(&sandbox, &[], "POST", headers, &form(&[("user", other.as_str()), ("answer", answer)]))
    };
    assert_eq!(press("approve", &[("Origin", "https://evil.example")]).status, 403);
    let cancelled = sent_back(&press("deny", &[]));
    assert_eq!((cancelled["error"].as_str(), cancelled["error_subcode"].as_str()), ("access_denied", "cancel"));
    let approved = press("approve", &[("Origin", sandbox.url())]);
    let got = redeem(&sandbox, &sent_back(&approved)["code"], &[]);
    assert_eq!(claim(&got.at("access_token"), "upn"), other);

    let cookie = approved.header("Set-Cookie").unwrap().split(';').next().unwrap().to_owned();
    let again = |more: &[(&str, &str)]| visit_with(&sandbox, more, "GET", &[("Cookie", cookie.as_str())], "");
    for more in [&[][..], &[("prompt", "none")], &[("login_hint", other.as_str())]] {
        let got = redeem(&sandbox, &sent_back(&again(more))["code"], &[]);
        assert_eq!(claim(&got.at("access_token"), "upn"), other, "{more:?}");
    }
    assert_eq!(sent_back(&again(&[("prompt", "none"), ("login_hint", &id.user)]))["error"], "login_required");
    for prompt in ["login", "select_account", "consent"] {
        assert_eq!(again(&[("prompt", prompt)]).status, 200, "{prompt} asks again");
    }
}

#[test]
fn lifetimes_are_as_they_were_set() {
    let options = Options { token_lifetime: Some(90), refresh_in: Some(45), ..Options::default() };
    let sandbox = Sandbox::start(options).unwrap();
    let answer = sign_in(&sandbox, &format!("{GRAPH}/.default"), &[]);
    assert_eq!((answer.at("expires_in"), answer.at("refresh_in")), ("89".into(), "45".into()));
    let token = answer.at("access_token");
    sandbox.advance(80);
    assert_eq!(call(&sandbox, &token, "GET", "/v1.0/security/incidents?$top=1", "").status, 200);
    sandbox.advance(11);
    assert_eq!(call(&sandbox, &token, "GET", "/v1.0/security/incidents?$top=1", "").status, 401);
}

#[test]
fn revoked_sessions_ask_for_newer_tokens() {
    const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;
    let sandbox = start();
    let list = |token: &str| call(&sandbox, token, "GET", "/v1.0/security/incidents?$top=1", "");
    let token = |claims: &str| sign_in(&sandbox, &format!("{GRAPH}/.default"), &[("claims", claims)]).at("access_token");
    let (plain, capable) = (token("-"), token(CAPABLE));
    assert_eq!(claim(&capable, "xms_cc"), r#"["CP1"]"#);
    assert!(claims(&plain).get("xms_cc").is_none());
    assert_eq!((list(&plain).status, list(&capable).status), (200, 200));
    sandbox.revoke_sessions(false);
    let refused = list(&plain);
    assert_eq!((refused.status, refused.header("WWW-Authenticate").unwrap().contains("invalid_token")), (401, true));
    let challenge = list(&capable);
    let header = challenge.header("WWW-Authenticate").unwrap();
    assert!(header.starts_with("Bearer ") && header.contains("error=\"insufficient_claims\""), "{header}");
    let wanted = header.split("claims=\"").nth(1).unwrap().split('"').next().unwrap();
    let wanted = json::parse(&STANDARD.decode(wanted).unwrap()).unwrap();
    let nbf = wanted.get("access_token").and_then(|t| t.get("nbf")).unwrap();
    assert_eq!(nbf.get("essential"), Some(&true.into()));
    let since = nbf.get("value").unwrap().as_str().unwrap();
    assert_eq!(list(&token(CAPABLE)).status, 401, "it must ask with the claims of the challenge");
    let merged = format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{since}"}},"xms_cc":{{"values":["CP1"]}}}}}}"#);
    assert_eq!((list(&token(&merged)).status, list(&token("-")).status), (200, 200));
    assert_eq!(sign_in(&sandbox, &format!("{GRAPH}/.default"), &[("claims", "{")]).at("error_codes/0"), "9002313");

    let refresh_token = user_sign_in(&sandbox, GRAPH).at("refresh_token");
    sandbox.revoke_sessions(false);
    assert_eq!(refresh(&sandbox, &refresh_token).status, 200);
    sandbox.revoke_sessions(true);
    assert_eq!(refresh(&sandbox, &refresh_token).at("error"), "invalid_grant");
}

#[test]
fn libraries_learn_where_they_are() {
    let sandbox = Sandbox::start(Options { federated_domain: Some("partner.example".into()), ..Options::default() }).unwrap();
    let id = sandbox.identity();
    let get = |path: &str| send(&sandbox, "GET", path, &[], "");
    let host = sandbox.url().strip_prefix("http://").unwrap();
    let own = Sandbox::url(&sandbox).replace(host, "127.0.0.1");
    assert_eq!(
        get(&format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={own}/{}/oauth2/v2.0/authorize", id.tenant_id))
            .at("metadata/0/aliases/0"),
        "127.0.0.1"
    );
    let foreign =
        get("/common/discovery/instance?api-version=1.1&authorization_endpoint=https://evil.example/common/oauth2/v2.0/authorize");
    assert_eq!((foreign.status, foreign.at("error")), (400, "invalid_instance".into()));
    for (user, kind) in [(id.user.as_str(), "Managed"), ("a@partner.example", "Federated"), ("a@gmail.com", "Unknown"), ("x", "Unknown")] {
        assert_eq!(get(&format!("/common/userrealm/{user}?api-version=1.0")).at("account_type"), kind, "{user}");
    }
    assert!(get("/common/UserRealm/a%40partner.example").at("federation_metadata_url").contains("partner.example"));
}

#[test]
fn forms_are_kept_whole_only_where_that_was_asked_for() {
    let keeping = Sandbox::start(Options { record_forms: true, ..Options::default() }).unwrap();
    let id = keeping.identity();
    assert_eq!(sign_in(&keeping, &format!("{GRAPH}/.default"), &[]).status, 200);
    visit_with(&keeping, &[], "GET", &[("Authorization", "Basic c2VjcmV0")], "");
    app_token(&keeping, GRAPH);
    let kept = keeping.token_requests();
    assert_eq!(kept.len(), 3);
    assert!(kept[0].form.contains(&("client_secret".to_owned(), id.client_secret.clone())));
    assert!(kept[0].headers.contains(&("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())));
    assert!(kept[1].query.contains(&("nonce".to_owned(), "n-1".to_owned())) && kept[1].method == "GET");
    assert!(!format!("{kept:?}").contains("c2VjcmV0"));
    assert!(!format!("{:?}", keeping.requests()).contains(&id.client_secret));
    keeping.reset();
    assert!(keeping.token_requests().is_empty());
    let plain = start();
    app_token(&plain, GRAPH);
    assert!(plain.token_requests().is_empty());
}
