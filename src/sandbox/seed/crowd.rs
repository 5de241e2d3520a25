//! The everyday life of a great many machines, worked out and never written down: each event is a function of the seed and its number.
//!
//! A million rows that are all kept would take seconds and gigabytes. Here the n-th process is worked out when somebody asks for it, with
//! its parent and its session, and so is the n-th connection, file or mail, which begins with the process behind it. Numbers rise with time.

use super::background::{DESK, MAC, SCRIPTS, SENDERS, SITES, SUBJECTS, UNIX};
use super::entities::*;
use super::events::*;
use super::random::{DAY, HOUR, MINUTE, Random};
use super::timeline::Timeline;
use super::world::{Image, Process, Roots, World, file};
use std::sync::Arc;

/// Kinds of events, for their chances.
const PROCESS: u64 = 1;
const NET: u64 = 2;
const FILE: u64 = 3;
const REGISTRY: u64 = 4;
const LOAD: u64 = 5;
const LOGON: u64 = 6;
const OTHER: u64 = 7;
const MAIL: u64 = 8;
/// Events of processes begin a little after the processes.
const LEAD: f64 = 0.01;
/// Within so many processes before an event lies the one behind it.
const REACH: i64 = 200;

/// What a program is started by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Under {
    Winlogon,
    Userinit,
    Explorer,
    Svchost,
    Services,
}

#[derive(Debug)]
struct Program {
    image: Arc<Image>,
    command: Arc<str>,
    under: Under,
}

#[derive(Debug)]
struct Member {
    machine: Arc<Machine>,
    roots: Roots,
    user: Arc<UserFacts>,
}

/// Machines beside the story's own, and what they do.
#[derive(Debug)]
pub(super) struct Crowd {
    seed: u64,
    members: Vec<Member>,
    /// How many processes there are.
    processes: usize,
    /// Through this many machines on is the next process.
    stride: usize,
    /// The stride's inverse.
    back: usize,
    /// How many programs a session has.
    session: usize,
    timeline: Timeline,
    /// userinit, explorer, and then those of a desk, of services, of Linux and of macOS.
    programs: Vec<Program>,
    pools: Pools,
}

/// What is drawn from.
#[derive(Debug)]
struct Pools {
    sites: Vec<(Arc<str>, Arc<str>)>,
    files: Vec<Arc<FileFacts>>,
    modules: Vec<Arc<Image>>,
    values: Vec<(Arc<str>, Arc<str>, Arc<str>)>,
    subjects: Vec<Arc<str>>,
    senders: Vec<(Arc<str>, Arc<str>, Arc<str>)>,
    commands: Vec<Arc<str>>,
    empty: Arc<str>,
}

const SERVICES: usize = 2 + DESK.len();
const LINUX: usize = SERVICES + SCRIPTS.len() + 2;
const APPLE: usize = LINUX + UNIX.len();

fn greatest_common(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common(b, a % b) }
}

impl Crowd {
    pub(super) fn new(world: &World, processes: usize) -> Crowd {
        let members: Vec<Member> = (world.machines.iter().zip(&world.roots).skip(world.lively))
            .map(|(machine, roots)| Member {
                machine: machine.clone(),
                roots: roots.clone(),
                user: machine.users.first().and_then(|u| world.people.get(*u)).unwrap_or(&world.system).clone(),
            })
            .collect();
        let count = members.len().max(1);
        let stride = (count * 618 / 1000..).find(|s| greatest_common(*s, count) == 1 || count == 1).unwrap_or(1);
        let back = (1..=count).find(|b| stride * b % count == 1 % count).unwrap_or(1);
        let from = world.now - world.days * DAY + 6 * HOUR;
        Crowd {
            seed: world.seed,
            members,
            processes,
            stride,
            back,
            session: (processes / count / world.days.max(1) as usize).max(4),
            timeline: Timeline::new(from, world.now - 10 * MINUTE),
            programs: programs(world),
            pools: pools(world),
        }
    }

    fn random(&self, kind: u64, row: usize) -> Random {
        Random::of(self.seed, kind, row)
    }

    /// The block of a process, one of which every machine has a process of, and its machine.
    fn place(&self, number: usize) -> (usize, usize) {
        let count = self.members.len().max(1);
        let block = number / count;
        (block, (number % count * self.stride + block * 7) % count)
    }

    /// The process that a machine has in a block.
    fn number(&self, block: usize, machine: usize) -> usize {
        let count = self.members.len().max(1);
        block * count + (machine + count - block * 7 % count) % count * self.back % count
    }

    /// When the n-th of so many events happens, if they begin at such a share of all.
    fn moment(&self, random: &mut Random, number: usize, count: usize, lead: f64) -> i64 {
        let jitter = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        self.timeline.at(lead + (1.0 - lead) * (number as f64 + jitter) / count.max(1) as f64)
    }

    /// Which program the process runs.
    fn program(&self, number: usize, machine: &Machine, random: &mut Random) -> usize {
        let (block, _) = self.place(number);
        let one_of = |random: &mut Random, from: usize, count: usize| from + random.range(0, count as i64) as usize;
        match (machine.os.platform, machine.group, block % self.session) {
            ("Linux", ..) => one_of(random, LINUX, UNIX.len()),
            ("macOS", ..) => one_of(random, APPLE, MAC.len()),
            (_, "Servers", _) => one_of(random, SERVICES, SCRIPTS.len() + 1),
            (_, _, role @ (0 | 1)) => role,
            _ if random.percent(80) => one_of(random, 2, DESK.len()),
            _ => one_of(random, SERVICES, SCRIPTS.len() + 2),
        }
    }

    pub(super) fn started(&self, number: usize) -> i64 {
        self.moment(&mut self.random(PROCESS, number), number, self.processes, 0.0)
    }

    /// The n-th process.
    pub(super) fn process(&self, number: usize) -> Option<Arc<Process>> {
        let (block, at) = self.place(number);
        let member = self.members.get(at)?;
        let mut random = self.random(PROCESS, number);
        let created = self.moment(&mut random, number, self.processes, 0.0);
        let which = self.program(number, &member.machine, &mut random);
        let program = self.programs.get(which)?;
        let first = block - block % self.session;
        let roots = &member.roots;
        let parent = match program.under {
            Under::Winlogon => roots.winlogon.clone(),
            Under::Userinit => self.process(self.number(first, at))?,
            Under::Explorer => self.process(self.number(first + 1, at))?,
            Under::Svchost => roots.svchost.clone(),
            Under::Services => roots.services.clone(),
        };
        let process = Process::child(&parent, &mut random, program.image.clone(), created, program.command.clone());
        let logon = 0x10_0000 + (at * 977 + first * 13) as i64;
        Some(Arc::new(if program.under == Under::Winlogon { process.run_as(&member.user, logon, 1) } else { process }))
    }

    /// A process of a kind that started before the n-th of so many events, and when that event is.
    fn before(&self, random: &mut Random, number: usize, count: usize, fits: fn(&str) -> bool) -> Option<(i64, Arc<Process>, &Member)> {
        let at = self.moment(random, number, count, LEAD);
        let share = LEAD + (1.0 - LEAD) * number as f64 / count.max(1) as f64;
        let last = ((share * self.processes as f64) as usize).saturating_sub(1);
        let mut chosen = last.saturating_sub(random.range(0, REACH) as usize);
        for _ in 0..24 {
            let machine = &self.members.get(self.place(chosen).1)?.machine;
            let mut own = self.random(PROCESS, chosen);
            own.next();
            let which = self.program(chosen, machine, &mut own);
            if self.programs.get(which).is_some_and(|p| fits(&p.image.facts.name)) {
                break;
            }
            chosen = last.saturating_sub(random.range(0, REACH) as usize);
        }
        Some((at, self.process(chosen)?, self.members.get(self.place(chosen).1)?))
    }

    pub(super) fn net_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(NET, number), number, count, LEAD)
    }

    pub(super) fn net(&self, number: usize, count: usize) -> Option<Net> {
        let mut random = self.random(NET, number);
        let (at, process, _) = self.before(&mut random, number, count, |name| {
            matches!(
                name,
                "msedge.exe"
                    | "chrome.exe"
                    | "OUTLOOK.EXE"
                    | "ms-teams.exe"
                    | "OneDrive.exe"
                    | "curl"
                    | "git"
                    | "Google Chrome"
                    | "Microsoft Outlook"
            )
        })?;
        let (url, ip) = random.pick(&self.pools.sites);
        let action = if random.percent(4) { "ConnectionFailed" } else { "ConnectionSuccess" };
        Some(Net { at, process, action, ip, port: 443, url, local_port: random.range(49_152, 65_536) })
    }

    pub(super) fn file_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(FILE, number), number, count, LEAD)
    }

    pub(super) fn file(&self, number: usize, count: usize) -> Option<FileEvent> {
        let mut random = self.random(FILE, number);
        let (at, process, _) = self.before(&mut random, number, count, |name| {
            matches!(name, "WINWORD.EXE" | "EXCEL.EXE" | "OUTLOOK.EXE" | "msedge.exe" | "chrome.exe" | "OneDrive.exe" | "LensCad.exe")
        })?;
        let chosen = random.range(0, self.pools.files.len() as i64) as usize;
        let file = self.pools.files.get(chosen)?.clone();
        let action = random.pick(&["FileCreated", "FileCreated", "FileModified", "FileDeleted"]);
        let empty = &self.pools.empty;
        Some(FileEvent { at, process, action, file, origin: empty.clone(), previous: empty.clone(), share: None })
    }

    pub(super) fn registry_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(REGISTRY, number), number, count, LEAD)
    }

    pub(super) fn registry(&self, number: usize, count: usize) -> Option<RegistryEvent> {
        let mut random = self.random(REGISTRY, number);
        let (at, process, _) = self.before(&mut random, number, count, |name| name.ends_with(".exe") || name.ends_with(".EXE"))?;
        let (key, name, data) = random.pick(&self.pools.values);
        let action = if random.percent(90) { "RegistryValueSet" } else { "RegistryValueDeleted" };
        Some(RegistryEvent { at, process, action, key, name, data, previous: self.pools.empty.clone() })
    }

    pub(super) fn load_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(LOAD, number), number, count, LEAD)
    }

    pub(super) fn load(&self, number: usize, count: usize) -> Option<Load> {
        let mut random = self.random(LOAD, number);
        let (at, process, _) = self.before(&mut random, number, count, |name| name.ends_with(".exe") || name.ends_with(".EXE"))?;
        let chosen = random.range(0, self.pools.modules.len() as i64) as usize;
        Some(Load { at, process, image: self.pools.modules.get(chosen)?.clone() })
    }

    pub(super) fn logon_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(LOGON, number), number, count, LEAD)
    }

    pub(super) fn logon(&self, number: usize, count: usize) -> Option<Logon> {
        let mut random = self.random(LOGON, number);
        let (at, process, member) = self.before(&mut random, number, count, |name| name == "explorer.exe")?;
        let failed = random.percent(5);
        Some(Logon {
            at,
            process: member.roots.lsass.clone(),
            action: if failed { "LogonFailed" } else { "LogonSuccess" },
            kind: random.pick(&["Interactive", "Unlock", "Unlock", "CachedInteractive"]),
            user: process.user.clone(),
            logon: process.logon,
            admin: false,
            remote: None,
            protocol: "Negotiate",
            failure: if failed { "InvalidUserNameOrPassword" } else { "" },
        })
    }

    pub(super) fn other_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(OTHER, number), number, count, LEAD)
    }

    pub(super) fn other(&self, number: usize, count: usize) -> Option<DeviceEvent> {
        let mut random = self.random(OTHER, number);
        let (at, process, _) =
            self.before(&mut random, number, count, |name| matches!(name, "powershell.exe" | "MpCmdRun.exe" | "explorer.exe"))?;
        let empty = &self.pools.empty;
        let (action, more): (&'static str, Arc<str>) = match process.image.facts.name.as_ref() {
            "powershell.exe" => ("PowerShellCommand", random.pick(&self.pools.commands)),
            "MpCmdRun.exe" => ("AntivirusScanCompleted", empty.clone()),
            "explorer.exe" => ("UsbDriveMounted", empty.clone()),
            _ => ("OtherAlertRelatedActivity", empty.clone()),
        };
        Some(DeviceEvent { at, process, action, target: None, file: None, url: empty.clone(), more })
    }

    pub(super) fn mail_at(&self, number: usize, count: usize) -> i64 {
        self.moment(&mut self.random(MAIL, number), number, count, LEAD)
    }

    pub(super) fn mail(&self, number: usize, count: usize) -> Option<Mail> {
        let mut random = self.random(MAIL, number);
        let received = self.moment(&mut random, number, count, LEAD);
        let somebody = random.range(0, self.members.len() as i64) as usize;
        let recipient = self.members.get(somebody)?.user.clone();
        let (sender, sender_name, sender_ip) = random.pick(&self.pools.senders);
        let spam = random.percent(4);
        Some(Mail {
            facts: MailFacts {
                network_message_id: random.guid(),
                internet_message_id: format!("<{:016x}@mail.example>", random.next()).into(),
                received,
                sender,
                sender_name,
                sender_ip,
                recipient,
                subject: random.pick(&self.pools.subjects),
                delivery_action: if spam { "Junked" } else { "Delivered" },
                delivery_location: if spam { "Junk folder" } else { "Inbox/folder" },
                threats: if spam { "Spam" } else { "" },
                urls: Vec::new(),
                attachments: 0,
            },
            direction: "Inbound",
            language: random.pick(&["en", "en", "de", "fi", "nl"]),
            files: Vec::new(),
            moved: None,
        })
    }
}

fn programs(world: &World) -> Vec<Program> {
    let program = |name: &str, command: &str, under| Program { image: world.image(name), command: command.into(), under };
    let mut out = vec![
        program("userinit.exe", "C:\\Windows\\system32\\userinit.exe", Under::Winlogon),
        program("explorer.exe", "C:\\Windows\\Explorer.EXE", Under::Userinit),
    ];
    out.extend(DESK.iter().map(|(name, command, _)| program(name, command, Under::Explorer)));
    out.extend(SCRIPTS.iter().map(|command| program("powershell.exe", command, Under::Svchost)));
    out.push(program("MpCmdRun.exe", "MpCmdRun.exe SignaturesUpdateService -ScheduleJob -UnmanagedUpdate", Under::Services));
    out.push(program("cmd.exe", "\"C:\\Windows\\system32\\cmd.exe\" ", Under::Explorer));
    out.extend(UNIX.iter().chain(MAC).map(|(name, command)| program(name, command, Under::Svchost)));
    out
}

fn pools(world: &World) -> Pools {
    let text = |s: &str| -> Arc<str> { s.into() };
    let mut random = Random::new(world.seed, "files of many");
    let kinds = [("Report", "docx"), ("Budget", "xlsx"), ("download", "pdf"), ("slides", "pptx"), ("lens", "lens")];
    let one_file = |n: i64| {
        let (stem, ending) = kinds.get(n as usize % kinds.len()).copied().unwrap_or_default();
        let size = random.range(900, 4_000_000);
        Arc::new(file(&format!("{stem} {n}.{ending}"), "C:\\Users\\Public\\Documents", size, "", ""))
    };
    Pools {
        sites: SITES.iter().map(|(host, ip)| (format!("https://{host}/").into(), text(ip))).collect(),
        files: (0..500).map(one_file).collect(),
        modules: ["ntdll.dll", "kernel32.dll", "amsi.dll", "vaultcli.dll", "wininet.dll"].map(|n| world.image(n)).to_vec(),
        values: [
            ("HKEY_CURRENT_USER\\Software\\Microsoft\\Office\\16.0\\Common\\Roaming", "LastSync", "1"),
            ("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows Defender\\Signature Updates", "SignaturesLastUpdated", "0x01db2f77"),
        ]
        .map(|(k, n, d)| (text(k), text(n), text(d)))
        .to_vec(),
        subjects: SUBJECTS.iter().map(|s| text(s)).collect(),
        senders: SENDERS.iter().map(|(a, n, ip)| (text(a), text(n), text(ip))).collect(),
        commands: ["Get-ChildItem", "ConvertTo-Json", "Get-CimInstance"].map(|c| text(&format!(r#"{{"Command":"{c}"}}"#))).to_vec(),
        empty: text(""),
    }
}
