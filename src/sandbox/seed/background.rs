//! Thirty days in which nothing happens: sessions, programs, mails, sign-ins, on working days and in working hours.
//!
//! Processes come first; what they do (connections, files, values, modules) is drawn from them, so that every initiating process is one.

use super::entities::*;
use super::events::*;
use super::random::{DAY, HOUR, MINUTE, Random, SECOND};
use super::story::encoded;
use super::world::{OFFICES, Process, Roots, World, file, midnight, weekend};
use std::sync::Arc;

/// What somebody at a Windows desk starts in a day: program, command line, how often (of 100).
#[rustfmt::skip]
pub(super) const DESK: &[(&str, &str, i64)] = &[
    ("OUTLOOK.EXE", "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE\" ", 75),
    ("ms-teams.exe", "\"C:\\Program Files\\WindowsApps\\MSTeams_26246.1105_x64__8wekyb3d8bbwe\\ms-teams.exe\" ", 60),
    ("msedge.exe", "\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" --profile-directory=Default", 70),
    ("chrome.exe", "\"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe\" ", 35),
    ("WINWORD.EXE", "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE\" /n \"C:\\Users\\Public\\Documents\\Minutes – week 12.docx\" /o \"\"", 30),
    ("EXCEL.EXE", "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE\" \"C:\\Users\\Public\\Documents\\Übersicht_Größen_2026 – 최종.xlsx\"", 35),
    ("OneDrive.exe", "\"C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe\" /background", 30),
    ("Acrobat.exe", "\"C:\\Program Files\\Adobe\\Acrobat DC\\Acrobat\\Acrobat.exe\" \"C:\\Users\\Public\\Downloads\\datasheet (3).pdf\"", 20),
    ("notepad.exe", "\"C:\\Windows\\system32\\notepad.exe\" ", 10),
    ("LensCad.exe", "\"C:\\Program Files\\Larkmoor\\LensCad\\LensCad.exe\" ", 15),
    ("Code.exe", "\"C:\\Program Files\\Microsoft VS Code\\Code.exe\" .", 10),
];

/// What PowerShell is asked for by management tools and administrators.
#[rustfmt::skip]
pub(super) const SCRIPTS: &[&str] = &[
    "powershell.exe -NoProfile -ExecutionPolicy Bypass -File \"C:\\Program Files (x86)\\Microsoft Intune Management Extension\\Content\\DetectionScripts\\9c1f_detect.ps1\"",
    "powershell.exe -NoProfile -NonInteractive -Command \"& {Get-BitLockerVolume -MountPoint C: | Select-Object -ExpandProperty ProtectionStatus}\"",
    "\"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe\" -Command \"Get-CimInstance Win32_LogicalDisk -Filter 'DriveType=3' | ConvertTo-Json\"",
    "powershell.exe -ExecutionPolicy RemoteSigned -File C:\\Scripts\\Sync-Printers.ps1 -Site 'Bristol \"North\"'",
    "powershell.exe -NoLogo -Command \"\nparam($Path)\n$ErrorActionPreference = 'Stop'\nGet-ChildItem $Path -Recurse |\n  Where-Object Length -gt 1GB\n\"",
];

pub(super) const UNIX: &[(&str, &str)] = &[
    ("dash", "/bin/sh -c test -x /usr/sbin/anacron || run-parts --report /etc/cron.hourly"),
    ("python3.12", "/usr/bin/python3.12 /opt/larkmoor/metrics.py --once"),
    ("curl", "curl -sS --retry 3 https://artifacts.larkmoor.example/health"),
    ("git", "git fetch --prune origin"),
    ("apt-get", "apt-get -qq -y update"),
];
pub(super) const MAC: &[(&str, &str)] = &[
    ("Google Chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    ("Microsoft Outlook", "/Applications/Microsoft Outlook.app/Contents/MacOS/Microsoft Outlook"),
    ("zsh", "-zsh"),
    ("softwareupdated", "/System/Library/CoreServices/Software Update.app/Contents/Resources/softwareupdated"),
];

/// Host and address of the sites that people and programs talk to.
#[rustfmt::skip]
pub(super) const SITES: &[(&str, &str)] = &[
    ("outlook.office365.com", "203.0.113.10"), ("login.microsoftonline.com", "203.0.113.11"), ("teams.microsoft.com", "203.0.113.12"),
    ("larkmoor.sharepoint.example", "203.0.113.13"), ("www.news-today.example", "203.0.113.31"), ("supplier-portal.example", "203.0.113.32"),
    ("weather.example", "203.0.113.33"), ("maps.example", "203.0.113.34"), ("docs.python.example", "203.0.113.35"), ("cdn.fonts.example", "203.0.113.36"),
    ("trade-fair.example", "203.0.113.37"), ("rail-booking.example", "203.0.113.38"),
];

fn days(world: &World) -> impl Iterator<Item = i64> + use<> {
    let today = midnight(world.now);
    (0..world.days).rev().map(move |back| today - back * DAY)
}

/// Sessions and programs of every machine. The roots come before everything else.
pub(super) fn processes(world: &World) -> Vec<Arc<Process>> {
    let mut out = world.boot.clone();
    let long = encoded(&"$r=@();Get-ChildItem HKLM:\\SOFTWARE -Recurse -EA 0|%{$r+=$_.Name};".repeat(48));
    let commands = Commands {
        long: format!("powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand {long}").into(),
        desk: DESK.iter().map(|(_, c, _)| (*c).into()).collect(),
        scripts: SCRIPTS.iter().map(|c| (*c).into()).collect(),
    };
    for (machine, roots) in world.machines.iter().zip(&world.roots).take(world.lively) {
        let mut random = Random::new(world.seed, &machine.id);
        for day in days(world) {
            match machine.os.platform {
                "Linux" => unix(world, &mut random, roots, day, UNIX, &mut out),
                "macOS" if !weekend(day) => unix(world, &mut random, roots, day, MAC, &mut out),
                "macOS" => {}
                _ => windows(world, &mut random, roots, day, &commands, &mut out),
            }
        }
    }
    out
}

struct Commands {
    long: Arc<str>,
    desk: Vec<Arc<str>>,
    scripts: Vec<Arc<str>>,
}

fn unix(
    world: &World,
    random: &mut Random,
    roots: &Roots,
    day: i64,
    programs: &[(&'static str, &'static str)],
    out: &mut Vec<Arc<Process>>,
) {
    for _ in 0..random.range(2, 5) {
        let at = day + random.range(0, DAY);
        let (image, command) = random.pick(programs);
        out.push(Arc::new(Process::child(&roots.svchost, random, world.image(image), at, command)));
    }
}

fn windows(world: &World, random: &mut Random, roots: &Roots, day: i64, commands: &Commands, out: &mut Vec<Arc<Process>>) {
    let machine = &roots.services.machine;
    let mut start = |parent: &Arc<Process>, random: &mut Random, image: &str, at: i64, command: Arc<str>| {
        let process = Arc::new(Process::child(parent, random, world.image(image), at, command));
        out.push(process.clone());
        process
    };
    let server = machine.group == "Servers";
    let scripts = if server { 3 } else { 1 };
    for _ in 0..scripts {
        if random.percent(70) {
            let at = day + if server { random.range(0, DAY) } else { random.range(8 * HOUR, 18 * HOUR) };
            let command = if random.percent(2) { commands.long.clone() } else { random.pick(&commands.scripts) };
            let shell = start(&roots.svchost, random, "powershell.exe", at, command);
            if random.percent(40) {
                start(&shell, random, "conhost.exe", at + 300_000, "\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1".into());
            }
        }
    }
    if random.percent(40) {
        let at = day + random.range(0, DAY);
        start(&roots.services, random, "MpCmdRun.exe", at, "\"C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.26090.9-0\\MpCmdRun.exe\" SignaturesUpdateService -ScheduleJob -UnmanagedUpdate".into());
    }
    if server || (weekend(day) && random.percent(94)) || random.percent(7) {
        return;
    }
    let second = random.percent(12);
    let Some(user) = machine.users.get(usize::from(second)).and_then(|u| world.people.get(*u)) else { return };
    let logon = random.range(0x10_0000, 0x0fff_ffff);
    let morning = day + random.range(7 * HOUR + 35 * MINUTE, 9 * HOUR + 20 * MINUTE);
    let userinit = Process::child(&roots.winlogon, random, world.image("userinit.exe"), morning, "C:\\Windows\\system32\\userinit.exe");
    let userinit = Arc::new(userinit.run_as(user, logon, 1));
    let explorer = start(&userinit, random, "explorer.exe", morning + SECOND, "C:\\Windows\\Explorer.EXE".into());
    for ((image, _, chance), command) in DESK.iter().zip(&commands.desk) {
        if random.percent(*chance) {
            let at = morning + random.range(5 * SECOND, 8 * HOUR);
            start(&explorer, random, image, at, command.clone());
        }
    }
    if user.account.starts_with("adm.") || random.percent(6) {
        let at = morning + random.range(HOUR, 7 * HOUR);
        let shell = start(&explorer, random, "cmd.exe", at, "\"C:\\Windows\\system32\\cmd.exe\" ".into());
        let (image, command) = random.pick(&[
            ("ipconfig.exe", "ipconfig"),
            ("gpupdate.exe", "gpupdate  /force"),
            ("whoami.exe", "whoami"),
            ("net.exe", "net  use"),
        ]);
        start(&shell, random, image, at + 12 * SECOND, command.into());
    }
    out.push(userinit);
}

fn later(random: &mut Random, process: &Process) -> i64 {
    process.created + random.range(SECOND / 10, 25 * MINUTE)
}

/// Connections of browsers, Office and tools.
pub(super) fn net(world: &World, processes: &[Arc<Process>]) -> Vec<Net> {
    let mut random = Random::new(world.seed, "net");
    let sites: Vec<(Arc<str>, Arc<str>)> = SITES.iter().map(|(host, ip)| (format!("https://{host}/").into(), (*ip).into())).collect();
    let controllers: Vec<Arc<str>> = world.machines.iter().filter(|m| m.host.starts_with("lark-dc")).map(|m| m.ip.clone()).collect();
    let (none, empty): (Arc<str>, Arc<str>) = ("0.0.0.0".into(), "".into());
    let mut out = Vec::with_capacity(processes.len());
    for process in processes {
        let count = match process.image.facts.name.as_ref() {
            "msedge.exe" | "chrome.exe" | "Google Chrome" => 2,
            "OUTLOOK.EXE" | "ms-teams.exe" | "Microsoft Outlook" | "curl" | "OneDrive.exe" => 1,
            "explorer.exe" | "git" | "gpupdate.exe" => 1,
            "powershell.exe" => i64::from(random.percent(25)),
            _ => 0,
        };
        for _ in 0..count {
            let at = later(&mut random, process);
            let inside = matches!(process.image.facts.name.as_ref(), "explorer.exe" | "gpupdate.exe");
            let (url, ip) = if inside { (empty.clone(), random.pick(&controllers)) } else { random.pick(&sites) };
            let failed = random.percent(4);
            out.push(Net {
                at,
                process: process.clone(),
                action: if failed { "ConnectionFailed" } else { "ConnectionSuccess" },
                ip: if failed && inside { none.clone() } else { ip },
                port: if inside { random.pick(&[88, 389, 445]) } else { 443 },
                url,
                local_port: random.range(49_152, 65_536),
            });
        }
    }
    out
}

/// Documents, downloads and caches.
pub(super) fn files(world: &World, processes: &[Arc<Process>]) -> Vec<FileEvent> {
    let mut random = Random::new(world.seed, "files");
    let folder = |process: &Process, name: &str| {
        if process.machine.os.platform.starts_with("Windows") {
            format!("C:\\Users\\{}\\{name}", process.user.account)
        } else {
            format!("/Users/{}/{name}", process.user.account)
        }
    };
    let site: Arc<str> = "https://supplier-portal.example/download".into();
    let empty: Arc<str> = "".into();
    let mut out = Vec::new();
    for process in processes {
        let (place, stem, ending) = match process.image.facts.name.as_ref() {
            "WINWORD.EXE" => ("Documents", "Report", "docx"),
            "EXCEL.EXE" => ("Documents", "Prüfplan ✅", "xlsx"),
            "OUTLOOK.EXE" => ("AppData\\Local\\Microsoft\\Outlook", "attachment", "pdf"),
            "msedge.exe" | "chrome.exe" | "Google Chrome" => ("Downloads", "download", "pdf"),
            "OneDrive.exe" => ("OneDrive - Larkmoor Optics", "shared", "pptx"),
            "LensCad.exe" => ("Documents\\Lenses", "lens δ", "lens"),
            "powershell.exe" => ("AppData\\Local\\Temp", "__PSScriptPolicyTest_", "ps1"),
            _ => continue,
        };
        for _ in 0..random.range(0, 3) {
            let at = later(&mut random, process);
            let (number, size) = (random.range(1, 900), random.range(900, 4_000_000));
            let name = format!("{stem} {number}.{ending}");
            let action = random.pick(&["FileCreated", "FileCreated", "FileModified", "FileRenamed", "FileDeleted"]);
            let facts = Arc::new(file(&name, &folder(process, place), size, "", ""));
            let previous = if action == "FileRenamed" { format!("~{number}.tmp").into() } else { empty.clone() };
            let origin = if ending == "pdf" && place == "Downloads" { site.clone() } else { empty.clone() };
            out.push(FileEvent { at, process: process.clone(), action, file: facts, origin, previous, share: None });
        }
    }
    out
}

/// Settings that programs keep.
pub(super) fn registry(world: &World, processes: &[Arc<Process>]) -> Vec<RegistryEvent> {
    #[rustfmt::skip]
    const VALUES: &[(&str, &str, &str)] = &[
        ("HKEY_CURRENT_USER\\Software\\Microsoft\\Office\\16.0\\Common\\Roaming", "LastSync", "1"),
        ("HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\FileExts\\.pdf", "Progid", "Acrobat.Document.DC"),
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows Defender\\Signature Updates", "SignaturesLastUpdated", "0x01db2f77"),
        ("HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", "OneDrive", "\"C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe\" /background"),
        ("HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\W32Time\\Config", "LastKnownGoodTime", ""),
    ];
    let mut random = Random::new(world.seed, "registry");
    let values: Vec<(Arc<str>, Arc<str>, Arc<str>)> = VALUES.iter().map(|(k, n, d)| ((*k).into(), (*n).into(), (*d).into())).collect();
    let empty: Arc<str> = "".into();
    let mut out = Vec::new();
    for process in processes.iter().filter(|p| p.machine.os.platform.starts_with("Windows")) {
        if !random.percent(28) {
            continue;
        }
        let at = later(&mut random, process);
        let (key, name, data) = random.pick(&values);
        let action = if random.percent(90) { "RegistryValueSet" } else { "RegistryValueDeleted" };
        let previous = if random.percent(50) { data.clone() } else { empty.clone() };
        out.push(RegistryEvent { at, process: process.clone(), action, key, name, data, previous });
    }
    out
}

/// Modules.
pub(super) fn loads(world: &World, processes: &[Arc<Process>]) -> Vec<Load> {
    let mut random = Random::new(world.seed, "loads");
    let images = ["ntdll.dll", "kernel32.dll", "amsi.dll", "vaultcli.dll", "wininet.dll"].map(|n| world.image(n));
    let shell = ["amsi.dll", "System.Management.Automation.dll"].map(|n| world.image(n));
    let mut out = Vec::new();
    for process in processes.iter().filter(|p| p.machine.os.platform.starts_with("Windows")) {
        let mut load =
            |image: &Arc<_>, after: i64| out.push(Load { at: process.created + after, process: process.clone(), image: Arc::clone(image) });
        if *process.image.facts.name == *"powershell.exe" {
            shell.iter().for_each(|image| load(image, 900_000));
        } else if random.percent(33) {
            let at = random.range(0, images.len() as i64) as usize;
            images.get(at).into_iter().for_each(|image| load(image, 110_000));
        }
    }
    out
}

/// Sessions at desks, services, and connections between machines; now and then a wrong password.
pub(super) fn logons(world: &World, processes: &[Arc<Process>]) -> Vec<Logon> {
    let mut random = Random::new(world.seed, "logons");
    let mut out = Vec::new();
    for process in processes {
        let Some((_, roots)) = world.host(&process.machine.host) else { continue };
        let base = |kind, user: &Arc<UserFacts>, at| Logon {
            at,
            process: roots.lsass.clone(),
            action: "LogonSuccess",
            kind,
            user: user.clone(),
            logon: process.logon,
            admin: user.account.starts_with("adm.") || *user.domain == *"nt authority",
            remote: None,
            protocol: "Negotiate",
            failure: "",
        };
        match process.image.facts.name.as_ref() {
            "explorer.exe" => {
                let at = process.created - 3 * SECOND;
                if random.percent(9) {
                    out.push(Logon {
                        action: "LogonFailed",
                        failure: "InvalidUserNameOrPassword",
                        logon: 0,
                        ..base("Interactive", &process.user, at - 20 * SECOND)
                    });
                }
                out.push(base(if random.percent(15) { "CachedInteractive" } else { "Interactive" }, &process.user, at));
                out.push(base("Unlock", &process.user, at + random.range(3 * HOUR, 7 * HOUR)));
                let file_server = world.host("lark-fs-01");
                if let Some((_, target)) = file_server {
                    let remote = Some((process.machine.name.clone(), process.machine.ip.clone()));
                    let logon = random.range(0x10_0000, 0x0fff_ffff);
                    out.push(Logon {
                        process: target.lsass.clone(),
                        logon,
                        remote,
                        protocol: "Kerberos",
                        ..base("Network", &process.user, at + random.range(MINUTE, HOUR))
                    });
                }
            }
            "MpCmdRun.exe" | "dash" => out.push(base("Service", &process.user, process.created - SECOND)),
            _ => {}
        }
    }
    out
}

/// The sensor's other events.
pub(super) fn device(world: &World, processes: &[Arc<Process>]) -> Vec<DeviceEvent> {
    let mut random = Random::new(world.seed, "device");
    let commands: Vec<Arc<str>> = ["Get-ChildItem", "ConvertTo-Json", "Get-CimInstance", "Select-Object"]
        .iter()
        .map(|c| format!(r#"{{"Command":"{c}"}}"#).into())
        .collect();
    let updated: Arc<str> = r#"{"ScanTypeIndex":"Quick","User":"NT AUTHORITY\\SYSTEM"}"#.into();
    let blocked: Arc<str> = r#"{"ResponseCategory":"CustomPolicy","Experience":"Untrusted"}"#.into();
    let empty: Arc<str> = "".into();
    let mut out = Vec::new();
    for process in processes.iter().filter(|p| p.machine.os.platform.starts_with("Windows")) {
        let (action, more) = match process.image.facts.name.as_ref() {
            "powershell.exe" => ("PowerShellCommand", random.pick(&commands)),
            "MpCmdRun.exe" if random.percent(50) => ("AntivirusScanCompleted", updated.clone()),
            "msedge.exe" if random.percent(3) => ("ExploitGuardNetworkProtectionBlocked", blocked.clone()),
            "explorer.exe" if random.percent(15) => ("UsbDriveMounted", r#"{"DriveLetter":"E:","BusType":"USB"}"#.into()),
            "OUTLOOK.EXE" if random.percent(8) => ("BrowserLaunchedToOpenUrl", empty.clone()),
            _ => continue,
        };
        let url = if action == "BrowserLaunchedToOpenUrl" { "https://supplier-portal.example/".into() } else { empty.clone() };
        let at = later(&mut random, process);
        out.push(DeviceEvent { at, process: process.clone(), action, target: None, file: None, url, more });
    }
    out
}

#[rustfmt::skip]
pub(super) const SUBJECTS: &[&str] = &[
    "Re: delivery week 47", "Minutes of the weekly", "Angebot Nr. 20261 – Größentabelle", "FW: FW: test report δ-series", "Lunch?", "Invoice 88213",
    "Tilausvahvistus / Order confirmation", "Your itinerary", "",  "Re: Q3 \"final\" figures; see tab, and 'notes'", "見積書のご送付", "Out of office: back on Monday",
    "Automatic reply", "Calibration certificate (3 attachments)", "Please review & sign", "Price list\twith a tab",
];
#[rustfmt::skip]
pub(super) const SENDERS: &[(&str, &str, &str)] = &[
    ("orders@glassworks.example", "Glassworks Orders", "203.0.113.70"), ("noreply@rail-booking.example", "Rail Booking", "203.0.113.38"),
    ("kai.brandt@precision-mounts.example", "Kai Brandt", "203.0.113.72"), ("news@trade-fair.example", "Trade Fair News", "203.0.113.37"),
    ("anna.kovacs@supplier-portal.example", "Anna Kovács", "203.0.113.32"), ("billing@power-grid.example", "Power Grid plc", "203.0.113.75"),
];

/// Mails in and out and between colleagues.
pub(super) fn mails(world: &World) -> Vec<Mail> {
    let mut random = Random::new(world.seed, "mails");
    let subjects: Vec<Arc<str>> = SUBJECTS.iter().map(|s| (*s).into()).collect();
    let outside: Vec<(Arc<str>, Arc<str>, Arc<str>)> = SENDERS.iter().map(|(a, n, ip)| ((*a).into(), (*n).into(), (*ip).into())).collect();
    let staff: Vec<&Arc<UserFacts>> =
        world.people.iter().take(world.staff).filter(|p| !p.account.contains("svc_") && !p.account.starts_with("adm.")).collect();
    let anyone: Vec<_> = staff.iter().map(Some).collect();
    let inside_ip: Arc<str> = "192.0.2.25".into();
    let links: Vec<Arc<str>> = SITES.iter().map(|(host, _)| format!("https://{host}/a?id=1&ref=\"mail\"").into()).collect();
    let mut out = Vec::new();
    for day in days(world) {
        for person in &staff {
            for _ in 0..random.range(0, if weekend(day) { 2 } else { 4 }) {
                let at = day + random.range(6 * HOUR, 20 * HOUR);
                let inside = random.percent(40);
                let spam = !inside && random.percent(6);
                let colleague = (*random.pick(&anyone).unwrap_or(person)).clone();
                let (sender, sender_name, sender_ip) =
                    if inside { (colleague.upn.clone(), colleague.display.clone(), inside_ip.clone()) } else { random.pick(&outside) };
                let files: Vec<Arc<FileFacts>> = (0..i64::from(random.percent(25)))
                    .map(|_| {
                        Arc::new(file(&format!("attachment-{}.pdf", random.range(1, 400)), "", random.range(20_000, 3_000_000), "", ""))
                    })
                    .collect();
                let urls = if random.percent(35) { vec![random.pick(&links)] } else { Vec::new() };
                out.push(Mail {
                    facts: MailFacts {
                        network_message_id: random.guid(),
                        internet_message_id: format!("<{:016x}@mail.example>", random.next()).into(),
                        received: at,
                        sender,
                        sender_name,
                        sender_ip,
                        recipient: (*person).clone(),
                        subject: random.pick(&subjects),
                        delivery_action: if spam { "Junked" } else { "Delivered" },
                        delivery_location: if spam { "Junk folder" } else { "Inbox/folder" },
                        threats: if spam { "Spam" } else { "" },
                        urls,
                        attachments: files.len() as i64,
                    },
                    direction: if inside { "Intra-org" } else { "Inbound" },
                    language: random.pick(&["en", "en", "de", "fi", "nl"]),
                    files,
                    moved: None,
                });
            }
        }
    }
    out
}

/// Some links in mails are followed.
pub(super) fn clicks<'m>(world: &World, mails: impl Iterator<Item = &'m Mail>) -> Vec<Click> {
    let mut random = Random::new(world.seed, "clicks");
    let mut out = Vec::new();
    for mail in mails {
        for url in &mail.facts.urls {
            if random.percent(55) {
                let office: Arc<str> = format!("192.0.2.{}", random.range(10, 14)).into();
                out.push(Click {
                    at: mail.facts.received + random.range(MINUTE, 9 * HOUR),
                    user: mail.facts.recipient.clone(),
                    url: url.clone(),
                    message: mail.facts.network_message_id.clone(),
                    action: "ClickAllowed",
                    workload: if random.percent(80) { "Email" } else { "Teams" },
                    ip: office,
                });
            }
        }
    }
    out
}

/// Sign-ins to the directory and to Entra ID, by the sessions.
pub(super) fn sign_ins(world: &World, processes: &[Arc<Process>]) -> Vec<SignIn> {
    let mut random = Random::new(world.seed, "sign-ins");
    let mut out = Vec::new();
    for process in processes {
        let (application, cloud) = match process.image.facts.name.as_ref() {
            "explorer.exe" => ("Active Directory", false),
            "OUTLOOK.EXE" | "Microsoft Outlook" => ("Office 365 Exchange Online", true),
            "ms-teams.exe" => ("Microsoft Teams Services", true),
            _ => continue,
        };
        let user = if *process.user.upn == *"" {
            process.machine.logged_on.first().map_or_else(|| process.user.clone(), |a| world.person(a))
        } else {
            process.user.clone()
        };
        let office = world.user(&user.account).map_or("", |u| u.city);
        let (city, _, code) = OFFICES.iter().find(|o| o.0 == office).copied().unwrap_or_default();
        out.push(SignIn {
            at: process.created + random.range(SECOND, 30 * SECOND),
            failure: if random.percent(3) { "Invalid username or password" } else { "" },
            ip: if cloud { process.machine.external_ip.clone() } else { process.machine.ip.clone() },
            country: if cloud { code } else { "" },
            city: if cloud { city } else { "" },
            device: Some(process.machine.clone()),
            risk: 0,
            user,
            application,
            cloud,
        });
    }
    out
}

/// Files and mailboxes in the cloud.
pub(super) fn cloud(world: &World, sign_ins: &[SignIn]) -> Vec<CloudEvent> {
    let mut random = Random::new(world.seed, "cloud");
    let mut out = Vec::new();
    for sign_in in sign_ins.iter().filter(|s| s.cloud && s.failure.is_empty() && s.device.is_some()) {
        if !random.percent(60) {
            continue;
        }
        let exchange = random.percent(40);
        let action = if exchange {
            random.pick(&["MailItemsAccessed", "Send", "MoveToDeletedItems"])
        } else {
            random.pick(&["FileAccessed", "FileModified", "FileDownloaded", "FileUploaded"])
        };
        let object = if exchange {
            "Inbox".into()
        } else {
            format!("https://larkmoor.sharepoint.example/sites/all/Shared Documents/{}.docx", random.range(1, 500)).into()
        };
        out.push(CloudEvent {
            at: sign_in.at + random.range(MINUTE, 4 * HOUR),
            user: sign_in.user.clone(),
            action,
            application: if exchange { ("Microsoft Exchange Online", 20_893) } else { ("Microsoft SharePoint Online", 20_892) },
            ip: sign_in.ip.clone(),
            country: sign_in.country,
            city: sign_in.city,
            object,
            anonymous: false,
        });
    }
    out
}
