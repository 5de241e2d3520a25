use super::*;
use crate::auth::{Chain, Way};
use crate::{
    clock::{SystemClock, VirtualClock},
    pipeline::transport::{Answer as HttpAnswer, Failure, Transport},
    request::Request,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Instant,
};

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const JWT: &str = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.CANARY";

#[derive(Debug)]
struct NoWire;
impl Transport for NoWire {
    fn send(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<HttpAnswer, Failure>> {
        unreachable!("tools ask the network themselves")
    }
}

fn wire() -> Wire {
    Wire::over(Arc::new(NoWire), VirtualClock::shared())
}

/// A folder with programs in it, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("xdrkit-tools-{}-{}", process::id(), NEXT.fetch_add(1, Relaxed)));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A folder with one program: a shell script that can find its folder in `$HERE`.
    fn with(name: &str, script: &str) -> Folder {
        let folder = Folder::new();
        folder.add(name, script, 0o755);
        folder
    }

    /// Written by another process: a file that a thread of ours holds open for writing, or a child that was just forked, cannot be run.
    fn add(&self, name: &str, script: &str, mode: u32) {
        let text = format!("#!/bin/sh\nHERE='{}'\n{script}\n", self.0.display());
        let mut write = process::Command::new("/bin/sh");
        write.args(["-c", "printf %s \"$1\" > \"$2\" && chmod \"$3\" \"$2\"", "sh", &text]).arg(self.0.join(name)).arg(format!("{mode:o}"));
        assert!(write.status().unwrap().success());
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn az(folder: &Folder) -> DeveloperTool {
    DeveloperTool::azure_cli(None, None, TOOL_TIMEOUT).unwrap().on_path(folder.path())
}

fn azd(folder: &Folder) -> DeveloperTool {
    DeveloperTool::azure_developer_cli(None, TOOL_TIMEOUT).unwrap().on_path(folder.path())
}

fn pwsh(folder: &Folder) -> DeveloperTool {
    DeveloperTool::azure_powershell(None, TOOL_TIMEOUT).unwrap().on_path(folder.path())
}

fn graph() -> Wanted {
    Wanted::audience("https://graph.microsoft.com")
}

async fn get(tool: &DeveloperTool) -> Result<Grant> {
    tool.acquire(&wire(), &graph()).await
}

fn now() -> i64 {
    epoch_seconds(&*SystemClock::shared())
}

/// Whether a lifetime is an hour, give or take the test's own time.
fn is_hour(grant: &Grant) -> bool {
    (3540..=3660).contains(&grant.lifetime.as_secs())
}

#[tokio::test]
async fn the_azure_cli_is_asked_without_a_shell_and_its_epoch_is_believed() {
    let folder = Folder::with(
        "az",
        &format!(
            r#"printf '%s\n' "$@" > "$HERE/args"; pwd > "$HERE/cwd"; cat > "$HERE/stdin"
            echo 'WARNING: noise' >&2
            echo '{{"accessToken": "t", "expires_on": {}, "expiresOn": "1999-01-01 00:00:00.000000"}}'"#,
            now() + 3600
        ),
    );
    let grant = get(&az(&folder)).await.unwrap();
    assert_eq!(grant.token.expose(), "t");
    assert!(is_hour(&grant), "{:?}", grant.lifetime);
    assert_eq!(folder.read("args"), "account\nget-access-token\n--output\njson\n--resource\nhttps://graph.microsoft.com\n");
    assert_eq!((folder.read("cwd").as_str(), folder.read("stdin").as_str()), ("/\n", ""));
}

#[tokio::test]
async fn tenant_and_subscription_are_arguments_of_which_the_cli_takes_one() {
    let folder = Folder::with("az", r#"printf '%s ' "$@" > "$HERE/args"; echo '{"accessToken": "t"}'"#);
    let made = |tenant, subscription| DeveloperTool::azure_cli(tenant, subscription, TOOL_TIMEOUT);
    let tool = made(None, Some("My subscription")).unwrap().on_path(folder.path());
    get(&tool).await.unwrap();
    assert!(folder.read("args").ends_with("--resource https://graph.microsoft.com --subscription My subscription "));
    let elsewhere = Wanted { tenant: Some(TENANT.to_owned()), ..graph() };
    tool.acquire(&wire(), &elsewhere).await.unwrap();
    assert!(folder.read("args").ends_with(&format!("--resource https://graph.microsoft.com --tenant {TENANT} ")));
    get(&made(Some("contoso.com"), None).unwrap().on_path(folder.path())).await.unwrap();
    assert!(folder.read("args").ends_with("--tenant contoso.com "));
    assert!(made(Some(TENANT), Some("s")).is_err());
}

#[tokio::test]
async fn nothing_that_could_be_read_as_an_option_or_code_reaches_a_tool() {
    let folder = Folder::with("az", r#"touch "$HERE/ran"; echo '{"accessToken": "t"}'"#);
    for scope in ["--debug", "a b", "a;b", "a'b", "$(a)", "a\nb", "a%PATH%", "", "a\"b"] {
        let wanted = Wanted { scopes: vec![scope.to_owned()], ..graph() };
        assert_eq!(az(&folder).acquire(&wire(), &wanted).await.unwrap_err().kind(), Kind::InvalidArgument, "{scope}");
    }
    for tenant in ["--debug", "..", "a b.com", "-x.com"] {
        let wanted = Wanted { tenant: Some(tenant.to_owned()), ..graph() };
        assert_eq!(az(&folder).acquire(&wire(), &wanted).await.unwrap_err().kind(), Kind::Configuration, "{tenant}");
        assert!(DeveloperTool::azure_cli(Some(tenant), None, TOOL_TIMEOUT).is_err());
    }
    for subscription in ["", "-x", "a'b", "a&b", "a%b", "é"] {
        assert!(DeveloperTool::azure_cli(None, Some(subscription), TOOL_TIMEOUT).is_err(), "{subscription}");
    }
    assert!(!folder.path().join("ran").exists());
}

#[cfg(target_os = "linux")]
/// Runs one test of this file again, in a process that lives in another time zone.
fn in_zone(zone: &str, test: &str) {
    let mut again = process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--ignored", "--nocapture"]).env("TZ", zone);
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{zone}: {said}");
}

#[cfg(target_os = "linux")]
#[test]
fn times_without_a_zone_are_right_wherever_the_machine_is() {
    for zone in ["Pacific/Kiritimati", "Pacific/Marquesas", "<+14>-14", "<-0930>9:30"] {
        in_zone(zone, "auth::tools::tests::a_time_in_local_time");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "run by the test above, once for each time zone"]
async fn a_time_in_local_time() {
    let local = Folder::with(
        "az",
        r#"echo "{\"accessToken\": \"t\", \"expiresOn\": \"$(date -d "@$(($(date +%s) + 3600))" '+%Y-%m-%d %H:%M:%S').123456\"}""#,
    );
    let grant = get(&az(&local)).await.unwrap();
    assert!(is_hour(&grant), "az: {:?}", grant.lifetime);
    let utc = Folder::with(
        "azd",
        r#"echo "{\"token\": \"t\", \"expiresOn\": \"$(date -u -d "@$(($(date +%s) + 3600))" '+%Y-%m-%dT%H:%M:%SZ')\"}""#,
    );
    let grant = get(&azd(&utc)).await.unwrap();
    assert!(is_hour(&grant), "azd: {:?}", grant.lifetime);
}

#[test]
fn every_spelling_of_a_time_is_read() {
    for (text, at) in [
        ("2026-11-21 15:16:05.123456", Some(1_795_274_165)),
        ("2026-11-21T15:16:05Z", Some(1_795_274_165)),
        ("2026-11-21T17:16:05+02:00", Some(1_795_274_165)),
        ("2026-11-21T15:16:05", Some(1_795_274_165)),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(moment(text), at, "{text}");
    }
}

#[tokio::test]
async fn a_lifetime_that_is_told_nowhere_is_short_and_one_that_is_over_is_none() {
    let lifetime = async |json: String| get(&az(&Folder::with("az", &format!("echo '{json}'")))).await.unwrap().lifetime.as_secs();
    assert_eq!(lifetime(r#"{"accessToken": "opaque"}"#.to_owned()).await, 300);
    assert_eq!(lifetime(format!(r#"{{"accessToken": "t", "expires_on": "{}"}}"#, now() - 5)).await, 0);
    assert_eq!(lifetime(r#"{"accessToken": "t", "expires_on": 9e18}"#.to_owned()).await, 172_800);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_unavailable_and_the_hint_says_how_to_get_it() {
    let folder = Folder::new();
    folder.add("az", "echo '{\"accessToken\": \"t\"}'", 0o644);
    fs::create_dir(folder.path().join("azd")).unwrap();
    for (tool, hint) in [(az(&folder), "az login"), (azd(&folder), "azd auth login"), (pwsh(&folder), "Connect-AzAccount")] {
        let error = get(&tool).await.unwrap_err();
        assert_eq!(error.kind(), Kind::CredentialUnavailable, "{error}");
        assert!(error.to_string().ends_with("is not installed, or not on the search path"), "{error}");
        assert!(error.facts().hint.as_ref().unwrap().ends_with(&format!("then run `{hint}`")), "{error:?}");
    }
}

#[test]
fn the_folder_that_the_program_runs_in_is_not_searched() {
    let here = std::env::current_dir().unwrap();
    let folder = Folder::with("az", "");
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(folder.path().strip_prefix("/").unwrap());
    assert!(relative.join("az").exists(), "the test's own path is right");
    for path in [relative.into_os_string(), ".".into(), "".into()] {
        assert_eq!(command::find(&["az"], &path), None, "{path:?}");
    }
    assert_eq!(command::find(&["az"], folder.path().as_os_str()), Some(folder.path().join("az")));
}

#[tokio::test]
async fn what_a_tool_says_becomes_a_reason_with_what_to_do() {
    use Kind::{Authentication, CredentialUnavailable};
    for (script, kind, message, hint) in [
        (
            "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
            CredentialUnavailable,
            "nobody is signed in to the Azure CLI",
            "run `az login`",
        ),
        ("echo 'python3: not found' >&2; exit 127", CredentialUnavailable, "the Azure CLI is not installed", "install it"),
        (
            "echo 'ERROR: AADSTS65002: Consent between first party application and resource must be preauthorized. Please run: az login' >&2; exit 1",
            Authentication,
            "the Azure CLI gave no token: AADSTS65002: Consent",
            "an application of your own",
        ),
        (
            "echo \"ERROR: AADSTS90002: Tenant 'x' not found.\" >&2; exit 1",
            Authentication,
            "the Azure CLI gave no token: AADSTS90002",
            "no such tenant",
        ),
        (
            "echo 'ERROR: AADSTS99999: new' >&2; exit 1",
            Authentication,
            "the Azure CLI gave no token: AADSTS99999: new",
            "run `az login` again",
        ),
        ("echo \"Subscription 'x' not found.\" >&2; exit 1", Authentication, "the Azure CLI gave no token: Subscription", "in a terminal"),
        ("exit 3", Authentication, "the Azure CLI ended with status 3 and said nothing", "in a terminal"),
        ("kill -9 $$", Authentication, "the Azure CLI was ended by a signal", "in a terminal"),
        ("echo hello", Authentication, "the Azure CLI's answer holds no token", "in a terminal"),
        ("echo '{\"accessToken\": \"a b\"}'", Authentication, "the Azure CLI's answer holds no token", "in a terminal"),
    ] {
        let error = get(&az(&Folder::with("az", script))).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{script}: {error}");
        assert!(error.to_string().starts_with(message), "{script}: {error}");
        assert!(error.facts().hint.as_deref().is_some_and(|h| h.contains(hint)), "{script}: {error:?}");
    }
}

#[tokio::test]
async fn no_token_shows_in_an_error() {
    let stdout = format!("echo '{{\"accessToken\": \"{JWT}\", \"refreshToken\": \"CANARY\"}}'");
    for script in [
        format!("{stdout}; exit 1"),
        format!("echo 'ERROR: bad {JWT}' >&2; exit 1"),
        format!("echo '{{\"accessToken\": \"{JWT} CANARY\"}}'"),
        r#"echo 'ERROR: x "token": "CANARY"' >&2; exit 1"#.to_owned(),
    ] {
        let error = get(&az(&Folder::with("az", &script))).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{script}: {error:?}");
    }
}

#[tokio::test]
async fn a_claims_challenge_tells_how_to_sign_in_to_the_tool_or_is_passed_on() {
    let folder = Folder::with("az", "touch \"$HERE/ran\"");
    let wanted = Wanted { claims: Some(r#"{"a":1}"#.to_owned()), tenant: Some(TENANT.to_owned()), ..graph() };
    let error = az(&folder).acquire(&wire(), &wanted).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InteractionRequired);
    assert_eq!(error.facts().hint, Some(format!("run `az login --tenant {TENANT} --claims-challenge eyJhIjoxfQ==`")));
    let error = pwsh(&folder).acquire(&wire(), &wanted).await.unwrap_err();
    assert_eq!(error.facts().hint, Some(format!("run `Connect-AzAccount -Tenant {TENANT} -ClaimsChallenge eyJhIjoxfQ==`")));
    assert!(!folder.path().join("ran").exists());
    let folder = Folder::with("azd", r#"printf '%s ' "$@" > "$HERE/args"; echo '{"token": "t"}'"#);
    azd(&folder).acquire(&wire(), &wanted).await.unwrap();
    let scope = "https://graph.microsoft.com/.default";
    assert_eq!(
        folder.read("args"),
        format!("auth token --output json --no-prompt --scope {scope} --tenant-id {TENANT} --claims eyJhIjoxfQ== ")
    );
}

#[tokio::test]
async fn the_developer_cli_says_its_errors_in_json() {
    let wrapped = |message: &str| format!(r#"echo '{{"type":"consoleMessage","data":{{"message":"\nERROR: {message}\n"}}}}'; exit 1"#);
    let error = get(&azd(&Folder::with("azd", &wrapped("not logged in, run `azd auth login` to login")))).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::CredentialUnavailable, "nobody is signed in to the Azure Developer CLI"));
    let error = get(&azd(&Folder::with("azd", &wrapped("AADSTS90002: no tenant")))).await.unwrap_err();
    assert_eq!((error.kind(), error.facts().details.get("aadsts").and_then(Value::as_i64)), (Kind::Authentication, Some(90002)));
}

#[tokio::test]
async fn powershell_gets_a_fixed_script_and_the_values_beside_it() {
    let folder = Folder::with(
        "pwsh",
        &format!(
            r#"printf '%s\n' "$@" > "$HERE/args"; printf '%s %s' "$XDRKIT_RESOURCE" "$XDRKIT_TENANT" > "$HERE/values"
            echo 'a banner'; echo 'xdrkit%{JWT}%{}'"#,
            now() + 3600
        ),
    );
    let wanted = Wanted { tenant: Some(TENANT.to_owned()), ..graph() };
    let grant = pwsh(&folder).acquire(&wire(), &wanted).await.unwrap();
    assert_eq!(grant.token.expose(), JWT);
    assert!(is_hour(&grant), "{:?}", grant.lifetime);
    assert_eq!(folder.read("values"), format!("https://graph.microsoft.com {TENANT}"));
    let args = folder.read("args");
    let (options, encoded) = args.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(options, "-NoProfile\n-NonInteractive\n-OutputFormat\nText\n-EncodedCommand");
    let bytes = STANDARD.decode(encoded).unwrap();
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert_eq!(String::from_utf16(&units).unwrap(), SCRIPT);
    get(&pwsh(&folder)).await.unwrap();
    assert_eq!(folder.read("values"), "https://graph.microsoft.com ", "a tenant of another question does not stay");
}

#[tokio::test]
async fn powershell_without_its_module_or_without_a_login_is_unavailable() {
    for (said, message) in [
        ("the module Az.Accounts is not installed", "the PowerShell module Az.Accounts is missing or too old"),
        ("Run Connect-AzAccount to login.", "nobody is signed in to the Azure PowerShell"),
    ] {
        let error = get(&pwsh(&Folder::with("pwsh", &format!("echo 'ERROR: {said}' >&2; exit 1")))).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::CredentialUnavailable, message));
    }
}

#[cfg(target_os = "linux")]
/// A tool that starts another program, tells its id, and waits for it.
const HANGS: &str = r#"sleep 600 & echo $! > "$HERE/pid.new"; mv "$HERE/pid.new" "$HERE/pid"; wait"#;

#[cfg(target_os = "linux")]
/// Waits until the program that the tool started is gone.
async fn is_gone(folder: &Folder) -> bool {
    let pid = folder.read("pid");
    let until = Instant::now() + Duration::from_secs(10);
    // An orphan that was killed may stay as a zombie where nobody collects it.
    let lives = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z"));
    while lives() && Instant::now() < until {
        SystemClock::shared().sleep(Duration::from_millis(5)).await;
    }
    !lives()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tool_that_hangs_is_ended_with_all_that_it_started() {
    let folder = Folder::with("az", HANGS);
    let tool = DeveloperTool::azure_cli(None, None, Duration::from_millis(300)).unwrap().on_path(folder.path());
    let began = Instant::now();
    let error = get(&tool).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Authentication, "the Azure CLI did not answer within 0.3 s"));
    assert!(error.facts().hint.as_ref().unwrap().contains("process_timeout"));
    assert!(is_gone(&folder).await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tool_ends_when_nobody_waits_for_it_any_more() {
    let folder = Arc::new(Folder::with("az", HANGS));
    let asking = tokio::spawn({
        let folder = folder.clone();
        async move { get(&az(&folder)).await.map(drop) }
    });
    while !folder.path().join("pid").exists() {
        SystemClock::shared().sleep(Duration::from_millis(5)).await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert!(is_gone(&folder).await);
}

#[tokio::test]
async fn what_a_tool_leaves_running_is_not_waited_for() {
    let folder = Folder::with("az", r#"sleep 30 & echo '{"accessToken": "t"}'"#);
    let began = Instant::now();
    assert_eq!(get(&az(&folder)).await.unwrap().token.expose(), "t");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn too_much_output_is_refused_and_too_many_errors_are_dropped() {
    let error = get(&az(&Folder::with("az", "yes"))).await.unwrap_err();
    assert_eq!(error.to_string(), "the Azure CLI said far more than an answer");
    let folder = Folder::with("az", r#"yes | head -c 3000000 >&2; echo '{"accessToken": "t"}'"#);
    assert_eq!(get(&az(&folder)).await.unwrap().token.expose(), "t");
}

#[test]
fn tools_share_tokens_only_if_they_are_asked_the_same() {
    let of = |tenant, subscription| DeveloperTool::azure_cli(tenant, subscription, TOOL_TIMEOUT).unwrap().fingerprint().unwrap();
    assert_eq!(of(None, None), of(None, None));
    let azd = DeveloperTool::azure_developer_cli(None, TOOL_TIMEOUT).unwrap().fingerprint().unwrap();
    for other in [of(Some(TENANT), None), of(None, Some("s")), azd] {
        assert_ne!(of(None, None), other);
    }
}

#[tokio::test]
async fn a_chain_of_tools_that_are_not_there_says_so_at_once_in_one_table() {
    let folder = Folder::new();
    let chain = Chain::default_chain(&Way::chosen(Some("dev")).unwrap(), |way| {
        let tool = match way {
            Way::AzureDeveloperCli => azd(&folder),
            Way::AzurePowerShell => pwsh(&folder),
            _ => az(&folder),
        };
        Ok(Arc::new(tool))
    });
    let began = Instant::now();
    let error = chain.unwrap().acquire(&wire(), &graph()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(error.kind(), Kind::CredentialUnavailable);
    let text = error.to_string();
    let names = [
        "azure-cli:           the Azure CLI is",
        "azure-developer-cli: the Azure Developer CLI is",
        "azure-powershell:    the Azure PowerShell is",
    ];
    assert!(text.lines().count() == 4 && names.iter().all(|name| text.contains(name)), "{text}");
}
