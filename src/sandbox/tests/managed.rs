//! Managed identities, one place after the other.

use super::super::{ExpiresOn, Platform};
use super::*;

const SECRET: &str = "sandbox-identity-header";

fn resource() -> String {
    form(&[("resource", GRAPH)])
}

fn env(sandbox: &Sandbox, platform: Platform, form: ExpiresOn, name: &str) -> String {
    sandbox.managed_identity(platform, form).into_iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// Asks an agent: the path of its endpoint, with this query.
fn ask(sandbox: &Sandbox, endpoint: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    let path = endpoint.strip_prefix(sandbox.http_url()).unwrap();
    send(sandbox, "GET", &format!("{path}?{query}"), headers, "")
}

fn with(version: &str, more: &[(&str, &str)]) -> String {
    let mut fields = vec![("resource", GRAPH)];
    if !version.is_empty() {
        fields.push(("api-version", version));
    }
    fields.extend(more);
    form(&fields)
}

#[test]
fn each_place_has_its_header_its_version_and_its_names() {
    let sandbox = start();
    let id = sandbox.identity();
    let (client, object, path) = (id.managed_client_id.as_str(), id.managed_object_id.as_str(), id.managed_resource_id.as_str());
    let imds =
        format!("{}/metadata/identity/oauth2/token", env(&sandbox, Platform::Imds, ExpiresOn::Epoch, "AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    let service = env(&sandbox, Platform::AppService, ExpiresOn::Epoch, "IDENTITY_ENDPOINT");
    let runbook = env(&sandbox, Platform::Automation, ExpiresOn::Epoch, "IDENTITY_ENDPOINT");
    let hybrid = env(&sandbox, Platform::AutomationHybrid, ExpiresOn::Epoch, "MSI_ENDPOINT");
    let learning = env(&sandbox, Platform::AzureMl, ExpiresOn::Epoch, "MSI_ENDPOINT");
    let metadata = ("Metadata", "true");
    let identity = ("X-IDENTITY-HEADER", SECRET);
    let secret = ("secret", SECRET);
    for (what, endpoint, version, headers, names) in [
        ("imds", &imds, "2018-02-01", vec![metadata], vec![("client_id", client), ("object_id", object), ("msi_res_id", path)]),
        ("app service", &service, "2019-08-01", vec![identity], vec![("client_id", client), ("object_id", object), ("mi_res_id", path)]),
        ("automation", &runbook, "2019-08-01", vec![identity, ("Metadata", "True")], vec![("client_id", client)]),
        ("hybrid", &hybrid, "", vec![secret, metadata], vec![("client_id", client)]),
        ("ml", &learning, "2017-09-01", vec![secret], vec![("clientid", client)]),
    ] {
        let own = ask(&sandbox, endpoint, &with(version, &[]), &headers);
        assert_eq!(own.status, 200, "{what}: {own:?}");
        let token = own.at("access_token");
        assert_eq!((claim(&token, "idtyp"), claim(&token, "aud")), ("app".into(), GRAPH.into()), "{what}");
        assert!(claim(&token, "xms_mirid").contains("virtualMachines"), "{what}");
        assert_eq!(call(&sandbox, &token, "GET", "/v1.0/security/incidents?$top=1", "").status, 200, "{what}");
        for named in names {
            let token = ask(&sandbox, endpoint, &with(version, &[named]), &headers).at("access_token");
            assert_eq!(
                (claim(&token, "appid"), claim(&token, "oid"), claim(&token, "xms_mirid")),
                (client.into(), object.into(), path.into())
            );
            let unknown = ask(&sandbox, endpoint, &with(version, &[(named.0, "x")]), &headers);
            assert!(unknown.status == 400 && unknown.body.contains("Identity not found"), "{what}");
        }
        for missing in 0..headers.len() {
            let mut fewer = headers.clone();
            fewer.remove(missing);
            assert!(
                [400, 401].contains(&ask(&sandbox, endpoint, &with(version, &[]), &fewer).status),
                "{what} without {:?}",
                headers[missing]
            );
        }
        if !version.is_empty() {
            assert_eq!(ask(&sandbox, endpoint, &resource(), &headers).status, 400, "{what} needs its version");
        }
        let foreign = ask(&sandbox, endpoint, &with(version, &[]).replace("graph", "giraffe"), &headers);
        assert!(foreign.status == 400 && foreign.body.contains("AADSTS500011"), "{what}");
    }
    let forwarded = ask(&sandbox, &imds, &with("2018-02-01", &[]), &[metadata, ("X-Forwarded-For", "10.0.0.1")]);
    assert_eq!(forwarded.status, 400);
    let shell = env(&sandbox, Platform::CloudShell, ExpiresOn::Epoch, "MSI_ENDPOINT");
    let shell = send(&sandbox, "POST", shell.strip_prefix(sandbox.url()).unwrap(), &[metadata], &resource());
    assert_eq!(claim(&shell.at("access_token"), "upn"), id.user);
}

#[test]
fn arc_wants_the_key_out_of_its_file() {
    let sandbox = start();
    let path = sandbox.identity().managed_resource_id;
    for (platform, knows) in [(Platform::Arc, true), (Platform::ArcOld, false)] {
        let endpoint = env(&sandbox, platform, ExpiresOn::Epoch, "IDENTITY_ENDPOINT");
        let query = with("2020-06-01", &[("msi_res_id", &path)]);
        let challenge = || ask(&sandbox, &endpoint, &query, &[("Metadata", "true")]);
        let file = challenge().header("WWW-Authenticate").unwrap().strip_prefix("Basic realm=").unwrap().to_owned();
        assert!(file.ends_with(".key"));
        let key = format!("Basic {}", std::fs::read_to_string(&file).unwrap());
        let answer = ask(&sandbox, &endpoint, &query, &[("Metadata", "true"), ("Authorization", &key)]);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json().get("msi_res_id").and_then(Value::as_str), knows.then_some(path.as_str()));
        assert_eq!(claim(&answer.at("access_token"), "xms_mirid") == path, knows);
        let again = ask(&sandbox, &endpoint, &query, &[("Metadata", "true"), ("Authorization", &key)]);
        assert_eq!(again.status, 401, "a key is good once");
        assert_eq!(ask(&sandbox, &endpoint, &query, &[]).status, 400);
    }
}

#[test]
fn the_end_of_a_token_is_written_in_every_way_that_was_seen() {
    let now = super::super::clock::parse("2031-01-06T05:08:09Z").unwrap();
    let sandbox = Sandbox::start(Options { now: Some(now), token_lifetime: Some(3600), ..Options::default() }).unwrap();
    let end = |form: ExpiresOn| {
        let endpoint = env(&sandbox, Platform::AppService, form, "IDENTITY_ENDPOINT");
        ask(&sandbox, &endpoint, &with("2019-08-01", &[]), &[("X-IDENTITY-HEADER", SECRET)]).json()
    };
    for (form, start) in [
        (ExpiresOn::Epoch, "\"192544"),
        (ExpiresOn::Number, "192544"),
        (ExpiresOn::Spaced, "\"2031-01-06 06:08:"),
        (ExpiresOn::Rfc3339, "\"2031-01-06T06:08:"),
        (ExpiresOn::American, "\"01/06/2031 06:08:"),
        (ExpiresOn::AmericanTwelve, "\"1/6/2031 6:08:"),
    ] {
        let answer = end(form);
        let text = answer.get("expires_on").unwrap().to_string();
        assert!(text.starts_with(start) && answer.get("expires_in").is_none(), "{form:?}: {text}");
    }
    assert!(end(ExpiresOn::AmericanTwelve).get("expires_on").unwrap().to_string().ends_with(" AM +00:00\""));
    let absent = end(ExpiresOn::Absent);
    assert_eq!((absent.get("expires_on"), absent.get("expires_in")), (None, Some(&"3599".into())));
    let nothing = end(ExpiresOn::Nothing);
    assert_eq!((nothing.get("expires_on"), nothing.get("expires_in")), (None, None));
    for name in ExpiresOn::names() {
        assert!(ExpiresOn::parse(name).is_some());
    }
    assert_eq!((ExpiresOn::parse("x"), Platform::parse("x")), (None, None));
    assert_eq!(Platform::names().len(), 8);
}

#[test]
fn agents_fail_on_demand() {
    let sandbox = start();
    let endpoint = env(&sandbox, Platform::AppService, ExpiresOn::Epoch, "IDENTITY_ENDPOINT");
    sandbox.fault(Fault { path: Some("/msi/token".into()), status: 429, times: Some(1), ..Fault::default() });
    let go = || ask(&sandbox, &endpoint, &with("2019-08-01", &[]), &[("X-IDENTITY-HEADER", SECRET)]).status;
    assert_eq!((go(), go()), (429, 200));
}
