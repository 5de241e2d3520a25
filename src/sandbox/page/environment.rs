//! What other programs need to talk to a sandbox, in the language of each, to be pasted as it stands.

use crate::json::{Value, object};

use super::super::House;

const GRAPH: &str = "https://graph.microsoft.com/.default";
const HUNT: &str = "/v1.0/security/runHuntingQuery";
const QUERY: &str = "DeviceProcessEvents | take 3";

/// A piece of text to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// By which it is asked for.
    pub name: &'static str,
    /// As people call it.
    pub label: &'static str,
    /// The text, without a line end.
    pub text: String,
}

impl Snippet {
    /// The names of all that there are.
    pub const NAMES: [&'static str; 7] = ["bash", "curl", "powershell", "xdrkit", "azure-identity", "msticpy", "json"];
}

/// All of them, in the order of [`Snippet::NAMES`].
pub(in crate::sandbox) fn snippets(house: &House) -> Vec<Snippet> {
    let ca_file = house.ca_file.as_deref();
    let snippet = |name, label, text| Snippet { name, label, text };
    vec![
        snippet("bash", "bash", bash(house, ca_file)),
        snippet("curl", "curl", curl(house, ca_file)),
        snippet("powershell", "PowerShell", powershell(house, ca_file)),
        snippet("xdrkit", "xdrkit", xdrkit(house, ca_file)),
        snippet("azure-identity", "azure-identity", azure_identity(house, ca_file)),
        snippet("msticpy", "msticpy", msticpy(house, ca_file)),
        snippet("json", "JSON", facts(house, ca_file).to_string()),
    ]
}

fn variables<'h>(house: &'h House, ca_file: Option<&'h str>) -> Vec<(&'static str, &'h str)> {
    let who = &house.identity;
    let mut all = vec![
        ("AZURE_TENANT_ID", who.tenant_id.as_str()),
        ("AZURE_CLIENT_ID", &who.client_id),
        ("AZURE_CLIENT_SECRET", &who.client_secret),
        ("AZURE_AUTHORITY_HOST", &house.base),
        ("XDRKIT_BASE_URL", &house.base),
    ];
    all.extend(ca_file.map(|file| ("SSL_CERT_FILE", file)));
    all
}

/// A text that a POSIX shell takes as one word.
fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:/@%+=,~".contains(&b));
    // Only at a beginning is a tilde somebody's home.
    let is_plain = is_plain && !text.starts_with('~') && ![":~", "=~"].iter().any(|s| text.contains(s));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn bash(house: &House, ca_file: Option<&str>) -> String {
    let line = |(name, value): &(&str, &str)| format!("export {name}={}", quoted(value));
    variables(house, ca_file).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn curl(house: &House, ca_file: Option<&str>) -> String {
    let (who, base) = (&house.identity, &house.base);
    let trust = ca_file.map(|file| format!(" --cacert {}", quoted(file))).unwrap_or_default();
    format!(
        r#"TOKEN=$(curl -sf{trust} {base}/{tenant}/oauth2/v2.0/token \
  -d grant_type=client_credentials -d client_id={id} -d client_secret={secret} \
  -d scope={GRAPH} | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
curl -sf{trust} {base}{HUNT} -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' -d '{{"Query": "{QUERY}"}}'"#,
        tenant = who.tenant_id,
        id = who.client_id,
        secret = quoted(&who.client_secret),
    )
}

fn powershell(house: &House, ca_file: Option<&str>) -> String {
    let (who, base) = (&house.identity, &house.base);
    // PowerShell has no way to trust a file.
    let trust = if ca_file.is_some() { " -SkipCertificateCheck" } else { "" };
    let single = |text: &str| text.replace('\'', "''");
    let set = |(name, value): &(&str, &str)| format!("$env:{name} = '{}'", single(value));
    let exports = variables(house, ca_file).iter().map(set).collect::<Vec<_>>().join("\n");
    format!(
        "{exports}\n$token = (Invoke-RestMethod -Method Post{trust} -Uri '{base}/{tenant}/oauth2/v2.0/token' -Body @{{\n    \
         grant_type = 'client_credentials'; client_id = '{id}'\n    client_secret = '{secret}'; scope = '{GRAPH}' }}).access_token\n\
         (Invoke-RestMethod -Method Post{trust} -Uri '{base}{HUNT}' -ContentType 'application/json' `\n    \
         -Headers @{{ Authorization = \"Bearer $token\" }} -Body (@{{ Query = '{QUERY}' }} | ConvertTo-Json)).results",
        tenant = who.tenant_id,
        id = who.client_id,
        secret = single(&who.client_secret),
    )
}

/// A text as Python and YAML write it.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

fn xdrkit(house: &House, ca_file: Option<&str>) -> String {
    let (who, base) = (&house.identity, literal(&house.base));
    let trust = ca_file.map(|file| format!("\n    ca_bundle={},", literal(file))).unwrap_or_default();
    format!(
        "import xdrkit\n\nclient = xdrkit.Client(\n    tenant_id={},\n    client_id={},\n    client_secret={},\n    authority={base},\n    \
         base_url={base},{trust}\n)\nprint(client.hunt({}))",
        literal(&who.tenant_id),
        literal(&who.client_id),
        literal(&who.client_secret),
        literal(QUERY),
    )
}

fn azure_identity(house: &House, ca_file: Option<&str>) -> String {
    let (who, base) = (&house.identity, literal(&house.base));
    let Some(file) = ca_file else {
        return "# azure-identity and MSAL sign in over https alone: xdr sandbox up --https".to_owned();
    };
    let file = literal(file);
    format!(
        "import requests\nfrom azure.identity import ClientSecretCredential\n\ncredential = ClientSecretCredential(\n    {},\n    {},\n    {},\n    \
         authority={base},\n    disable_instance_discovery=True,\n    connection_verify={file},\n)\n\
         token = credential.get_token(\"{GRAPH}\").token\nanswer = requests.post(\n    {base} + \"{HUNT}\",\n    \
         headers={{\"Authorization\": f\"Bearer {{token}}\"}},\n    json={{\"Query\": {}}},\n    verify={file},\n    timeout=60,\n)\n\
         print(answer.json()[\"results\"])",
        literal(&who.tenant_id),
        literal(&who.client_id),
        literal(&who.client_secret),
        literal(QUERY),
    )
}

fn msticpy(house: &House, ca_file: Option<&str>) -> String {
    let (who, base) = (&house.identity, &house.base);
    let trust = ca_file.map(|file| format!("# export SSL_CERT_FILE={}\n", quoted(file))).unwrap_or_default();
    format!(
        "{trust}# msticpyconfig.yaml\nDataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: {}\n      ClientId: {}\n      ClientSecret: {}\n\n\
         # Python: the driver's addresses follow the cloud, so they are set on it\nimport msticpy as mp\n\nqp = mp.QueryProvider(\"M365DGraph\")\n\
         qp._query_provider.oauth_url = \"{base}/{{tenantId}}/oauth2/v2.0/token\"\nqp.connect(apiRoot=\"{base}/\")\nqp.exec_query({})",
        literal(&who.tenant_id),
        literal(&who.client_id),
        literal(&who.client_secret),
        literal(QUERY),
    )
}

fn facts(house: &House, ca_file: Option<&str>) -> Value {
    let who = &house.identity;
    let variables = variables(house, ca_file).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    object([
        ("url", house.base.as_str().into()),
        ("http_url", house.plain.as_str().into()),
        ("ca_file", ca_file.map(Value::from).unwrap_or_default()),
        ("tenant_id", who.tenant_id.as_str().into()),
        ("tenant_name", who.tenant_name.as_str().into()),
        ("domain", who.domain.as_str().into()),
        ("client_id", who.client_id.as_str().into()),
        ("client_secret", who.client_secret.as_str().into()),
        ("public_client_id", who.public_client_id.as_str().into()),
        ("user", who.user.as_str().into()),
        ("user_password", who.user_password.as_str().into()),
        ("env", Value::Object(variables)),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::{Options, Sandbox};
    use super::*;

    #[test]
    fn there_is_one_of_each_name_and_each_says_where() {
        for tls in [false, true] {
            let sandbox = Sandbox::start(Options { tls, ..Options::default() }).unwrap();
            let all = sandbox.snippets();
            assert_eq!(all.iter().map(|s| s.name).collect::<Vec<_>>(), Snippet::NAMES);
            for one in &all {
                let says_where = one.text.contains(sandbox.url());
                assert!(says_where || (one.name == "azure-identity" && !tls), "{}", one.text);
            }
            assert_eq!(all[0].text.contains("SSL_CERT_FILE"), tls);
        }
    }

    #[test]
    fn a_shell_takes_each_value_as_one_word() {
        assert_eq!(quoted("http://127.0.0.1:1"), "http://127.0.0.1:1");
        assert_eq!((quoted("a~b"), quoted("~b"), quoted("a:~b")), ("a~b".into(), "'~b'".into(), "'a:~b'".into()));
        assert_eq!(quoted("~/a b'c"), r"'~/a b'\''c'");
        assert_eq!(quoted(""), "''");
    }
}
