//! The company: its people, its machines, and the programs that run on them.

use super::entities::*;
use super::plan::{Kind, Plan};
use super::random::{DAY, HOUR, MINUTE, Random, SECOND};
use super::{AD_DOMAIN, DOMAIN, NETBIOS, more};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A program with what its version resource says.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) facts: Arc<FileFacts>,
    /// Folder and name.
    pub(super) path: Arc<str>,
    pub(super) company: Arc<str>,
    pub(super) product: Arc<str>,
    pub(super) version: Arc<str>,
    pub(super) description: Arc<str>,
    pub(super) original: Arc<str>,
}

/// A process. Its parent is held, so that no tree can lose a branch.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) machine: Arc<Machine>,
    pub(super) image: Arc<Image>,
    pub(super) pid: i64,
    pub(super) created: i64,
    pub(super) command: Arc<str>,
    pub(super) user: Arc<UserFacts>,
    pub(super) parent: Option<Arc<Process>>,
    pub(super) logon: i64,
    pub(super) session: i64,
    pub(super) integrity: &'static str,
    pub(super) elevation: &'static str,
    /// Name and address of the device that a remote session comes from.
    pub(super) remote: Option<(Arc<str>, Arc<str>)>,
    pub(super) unique: Arc<str>,
}

impl Process {
    /// What inherits everything from its parent.
    pub(super) fn child(parent: &Arc<Process>, random: &mut Random, image: Arc<Image>, at: i64, command: impl Into<Arc<str>>) -> Self {
        Self {
            pid: 4 * random.range(300, 7900),
            created: at,
            command: command.into(),
            image,
            parent: Some(parent.clone()),
            unique: random.hex(16),
            ..Process::clone(parent)
        }
    }

    /// The same under another account and logon session.
    pub(super) fn run_as(mut self, user: &Arc<UserFacts>, logon: i64, session: i64) -> Self {
        self.user = user.clone();
        self.logon = logon;
        self.session = session;
        (self.integrity, self.elevation) = if user.domain.as_ref() == "nt authority" {
            ("System", "TokenElevationTypeDefault")
        } else {
            ("Medium", "TokenElevationTypeLimited")
        };
        self
    }

    /// The same with an administrator's full token.
    pub(super) fn elevated(mut self) -> Self {
        (self.integrity, self.elevation) = ("High", "TokenElevationTypeFull");
        self
    }

    /// The first of its line: the kernel, which also does what others ask for over the network.
    pub(super) fn root(self: &Arc<Self>) -> &Arc<Self> {
        let mut process = self;
        while let Some(parent) = &process.parent {
            process = parent;
        }
        process
    }

    pub(super) fn facts(&self) -> ProcessFacts {
        let parent = self.parent.as_deref().unwrap_or(self);
        ProcessFacts {
            file: self.image.facts.clone(),
            pid: self.pid,
            created: self.created,
            command_line: self.command.clone(),
            parent: parent.image.facts.clone(),
            parent_pid: parent.pid,
            parent_created: parent.created,
            user: self.user.clone(),
        }
    }
}

/// The processes that a machine's others descend from. Unix machines have fewer kinds: there, several are the same.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub(super) services: Arc<Process>,
    pub(super) svchost: Arc<Process>,
    pub(super) lsass: Arc<Process>,
    pub(super) winlogon: Arc<Process>,
}

/// Everything that stands still.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: i64,
    pub(super) seed: u64,
    pub(super) users: Vec<User>,
    /// The same people as evidence and events show them.
    pub(super) people: Vec<Arc<UserFacts>>,
    pub(super) machines: Vec<Arc<Machine>>,
    pub(super) roots: Vec<Roots>,
    /// The roots themselves, and nothing else.
    pub(super) boot: Vec<Arc<Process>>,
    pub(super) system: Arc<UserFacts>,
    /// Nobody and nothing is there but who signs in.
    pub(super) bare: bool,
    /// How many days of everyday life there are.
    pub(super) days: i64,
    /// How many machines, the first ones, have an everyday life that is written down in advance.
    pub(super) lively: usize,
    /// How many people, the first ones, have one.
    pub(super) staff: usize,
    accounts: HashMap<Arc<str>, usize>,
    hosts: HashMap<Arc<str>, usize>,
    images: BTreeMap<&'static str, Arc<Image>>,
    unknown: Arc<Image>,
}

/// The midnight before.
pub(super) fn midnight(at: i64) -> i64 {
    at - at.rem_euclid(DAY)
}

/// Saturday or Sunday.
pub(super) fn weekend(at: i64) -> bool {
    matches!((at.div_euclid(DAY) + 1).rem_euclid(7), 0 | 6)
}

impl Image {
    /// A file that belongs to no installed product; its hashes follow from what is given.
    pub(super) fn stray(path: &str, size: i64) -> Arc<Image> {
        Arc::new(Self::new(path, size, "", "", "", ""))
    }

    fn new(path: &str, size: i64, company: &str, product: &str, version: &str, description: &str) -> Self {
        let (folder, name) = path.rsplit_once(['\\', '/']).unwrap_or(("", path));
        let facts = file(name, folder, size, company, version);
        let original = if company.is_empty() { "" } else { name };
        Self {
            facts: Arc::new(facts),
            path: path.into(),
            company: company.into(),
            product: product.into(),
            version: version.into(),
            description: description.into(),
            original: original.into(),
        }
    }
}

/// A file whose hashes follow from its name, size and version: the same file has the same hashes wherever it lies.
pub(super) fn file(name: &str, folder: &str, size: i64, publisher: &str, version: &str) -> FileFacts {
    let mut random = Random::new(size.unsigned_abs(), &format!("{name}|{version}"));
    FileFacts {
        name: name.into(),
        folder: folder.into(),
        sha1: random.hex(40),
        sha256: random.hex(64),
        md5: random.hex(32),
        size,
        publisher: publisher.into(),
    }
}

const MICROSOFT: &str = "Microsoft Corporation";
const WINDOWS: &str = "Microsoft® Windows® Operating System";
const SYSTEM32: &str = "C:\\Windows\\System32";
const OFFICE: &str = "C:\\Program Files\\Microsoft Office\\root\\Office16";

/// Name, folder, size, company, product, description.
#[rustfmt::skip]
const IMAGES: &[(&str, &str, i64, &str, &str, &str)] = &[
    ("ntoskrnl.exe", SYSTEM32, 11_907_456, MICROSOFT, WINDOWS, "NT Kernel & System"),
    ("smss.exe", SYSTEM32, 155_648, MICROSOFT, WINDOWS, "Windows Session Manager"),
    ("wininit.exe", SYSTEM32, 421_888, MICROSOFT, WINDOWS, "Windows Start-Up Application"),
    ("winlogon.exe", SYSTEM32, 901_120, MICROSOFT, WINDOWS, "Windows Logon Application"),
    ("services.exe", SYSTEM32, 757_760, MICROSOFT, WINDOWS, "Services and Controller app"),
    ("lsass.exe", SYSTEM32, 59_904, MICROSOFT, WINDOWS, "Local Security Authority Process"),
    ("svchost.exe", SYSTEM32, 79_920, MICROSOFT, WINDOWS, "Host Process for Windows Services"),
    ("userinit.exe", SYSTEM32, 45_056, MICROSOFT, WINDOWS, "Userinit Logon Application"),
    ("explorer.exe", "C:\\Windows", 5_643_264, MICROSOFT, WINDOWS, "Windows Explorer"),
    ("taskhostw.exe", SYSTEM32, 110_592, MICROSOFT, WINDOWS, "Host Process for Windows Tasks"),
    ("conhost.exe", SYSTEM32, 872_448, MICROSOFT, WINDOWS, "Console Window Host"),
    ("cmd.exe", SYSTEM32, 331_776, MICROSOFT, WINDOWS, "Windows Command Processor"),
    ("powershell.exe", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0", 455_680, MICROSOFT, WINDOWS, "Windows PowerShell"),
    ("rundll32.exe", SYSTEM32, 73_728, MICROSOFT, WINDOWS, "Windows host process (Rundll32)"),
    ("whoami.exe", SYSTEM32, 73_728, MICROSOFT, WINDOWS, "whoami - displays logged on user information"),
    ("net.exe", SYSTEM32, 73_728, MICROSOFT, WINDOWS, "Net Command"),
    ("net1.exe", SYSTEM32, 196_608, MICROSOFT, WINDOWS, "Net Command"),
    ("nltest.exe", SYSTEM32, 602_112, MICROSOFT, WINDOWS, "Microsoft® Logon Server Test Utility"),
    ("systeminfo.exe", SYSTEM32, 110_592, MICROSOFT, WINDOWS, "Displays system information"),
    ("ipconfig.exe", SYSTEM32, 49_152, MICROSOFT, WINDOWS, "IP Configuration Utility"),
    ("schtasks.exe", SYSTEM32, 241_664, MICROSOFT, WINDOWS, "Task Scheduler Configuration Tool"),
    ("reg.exe", SYSTEM32, 77_824, MICROSOFT, WINDOWS, "Registry Console Tool"),
    ("vssadmin.exe", SYSTEM32, 147_456, MICROSOFT, WINDOWS, "Command Line Interface for Microsoft® Volume Shadow Copy Service"),
    ("wbadmin.exe", SYSTEM32, 286_720, MICROSOFT, WINDOWS, "Command Line Interface for Microsoft® BLB Backup"),
    ("bcdedit.exe", SYSTEM32, 499_712, MICROSOFT, WINDOWS, "Boot Configuration Data Editor"),
    ("ntdsutil.exe", SYSTEM32, 446_464, MICROSOFT, WINDOWS, "NT5DS"),
    ("mstsc.exe", SYSTEM32, 1_265_664, MICROSOFT, WINDOWS, "Remote Desktop Connection"),
    ("rdpclip.exe", SYSTEM32, 446_464, MICROSOFT, WINDOWS, "RDP Clipboard Monitor"),
    ("notepad.exe", SYSTEM32, 201_216, MICROSOFT, WINDOWS, "Notepad"),
    ("mmc.exe", SYSTEM32, 1_888_256, MICROSOFT, WINDOWS, "Microsoft Management Console"),
    ("gpupdate.exe", SYSTEM32, 40_960, MICROSOFT, WINDOWS, "Microsoft® Group Policy Update Utility"),
    ("WMIC.exe", "C:\\Windows\\System32\\wbem", 577_536, MICROSOFT, WINDOWS, "WMI Commandline Utility"),
    ("WmiPrvSE.exe", "C:\\Windows\\System32\\wbem", 495_616, MICROSOFT, WINDOWS, "WMI Provider Host"),
    ("MpCmdRun.exe", "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.26090.9-0", 1_601_536, MICROSOFT, WINDOWS, "Microsoft Malware Protection Command Line Utility"),
    ("MsMpEng.exe", "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.26090.9-0", 285_104, MICROSOFT, WINDOWS, "Antimalware Service Executable"),
    ("MsSense.exe", "C:\\Program Files\\Windows Defender Advanced Threat Protection", 612_304, MICROSOFT, WINDOWS, "Windows Defender Advanced Threat Protection Service Executable"),
    ("OUTLOOK.EXE", OFFICE, 43_321_856, MICROSOFT, "Microsoft Outlook", "Microsoft Outlook"),
    ("WINWORD.EXE", OFFICE, 1_668_608, MICROSOFT, "Microsoft Office", "Microsoft Word"),
    ("EXCEL.EXE", OFFICE, 67_543_040, MICROSOFT, "Microsoft Office", "Microsoft Excel"),
    ("POWERPNT.EXE", OFFICE, 1_905_664, MICROSOFT, "Microsoft Office", "Microsoft PowerPoint"),
    ("splwow64.exe", "C:\\Windows", 163_840, MICROSOFT, WINDOWS, "Print driver host for applications"),
    ("ms-teams.exe", "C:\\Program Files\\WindowsApps\\MSTeams_26246.1105_x64__8wekyb3d8bbwe", 32_121_344, MICROSOFT, "Microsoft Teams", "Microsoft Teams"),
    ("OneDrive.exe", "C:\\Program Files\\Microsoft OneDrive", 4_874_752, MICROSOFT, "Microsoft OneDrive", "Microsoft OneDrive"),
    ("msedge.exe", "C:\\Program Files (x86)\\Microsoft\\Edge\\Application", 4_689_464, MICROSOFT, "Microsoft Edge", "Microsoft Edge"),
    ("chrome.exe", "C:\\Program Files\\Google\\Chrome\\Application", 3_241_752, "Google LLC", "Google Chrome", "Google Chrome"),
    ("Acrobat.exe", "C:\\Program Files\\Adobe\\Acrobat DC\\Acrobat", 5_512_440, "Adobe Systems Incorporated", "Adobe Acrobat", "Adobe Acrobat"),
    ("Code.exe", "C:\\Program Files\\Microsoft VS Code", 189_452_336, MICROSOFT, "Visual Studio Code", "Visual Studio Code"),
    ("LensCad.exe", "C:\\Program Files\\Larkmoor\\LensCad", 22_118_912, "Larkmoor Optics", "LensCad", "Lens design workbench"),
    ("msiexec.exe", SYSTEM32, 176_128, MICROSOFT, "Windows Installer - Unicode", "Windows® installer"),
    ("7z.exe", "C:\\Program Files\\7-Zip", 557_056, "Igor Pavlov", "7-Zip", "7-Zip Console"),
    ("sqlservr.exe", "C:\\Program Files\\Microsoft SQL Server\\MSSQL15.MSSQLSERVER\\MSSQL\\Binn", 628_536, MICROSOFT, "Microsoft SQL Server", "SQL Server Windows NT - 64 Bit"),
    ("w3wp.exe", "C:\\Windows\\System32\\inetsrv", 40_960, MICROSOFT, "Internet Information Services", "IIS Worker Process"),
    ("ntdll.dll", SYSTEM32, 2_166_784, MICROSOFT, WINDOWS, "NT Layer DLL"),
    ("kernel32.dll", SYSTEM32, 799_744, MICROSOFT, WINDOWS, "Windows NT BASE API Client DLL"),
    ("amsi.dll", SYSTEM32, 94_208, MICROSOFT, WINDOWS, "Anti-Malware Scan Interface"),
    ("dbghelp.dll", SYSTEM32, 2_060_288, MICROSOFT, WINDOWS, "Windows Image Helper"),
    ("dbgcore.dll", SYSTEM32, 192_512, MICROSOFT, WINDOWS, "Windows Core Debugging Helpers"),
    ("comsvcs.dll", SYSTEM32, 2_013_696, MICROSOFT, WINDOWS, "COM+ Services"),
    ("vaultcli.dll", SYSTEM32, 327_680, MICROSOFT, WINDOWS, "Credential Vault Client Library"),
    ("wininet.dll", SYSTEM32, 2_650_112, MICROSOFT, WINDOWS, "Internet Extensions for Win32"),
    ("VBE7.DLL", "C:\\Program Files\\Common Files\\Microsoft Shared\\VBA\\VBA7.1", 4_013_056, MICROSOFT, "Visual Basic Environment", "Visual Basic Design Time Environment"),
    ("System.Management.Automation.dll", "C:\\Windows\\assembly\\NativeImages_v4.0.30319_64", 36_700_160, MICROSOFT, WINDOWS, "System.Management.Automation"),
    ("systemd", "/usr/lib/systemd", 1_620_224, "", "", ""),
    ("sshd", "/usr/sbin", 921_288, "", "", ""),
    ("cron", "/usr/sbin", 55_944, "", "", ""),
    ("bash", "/usr/bin", 1_396_520, "", "", ""),
    ("dash", "/usr/bin", 125_688, "", "", ""),
    ("curl", "/usr/bin", 260_328, "", "", ""),
    ("apt-get", "/usr/bin", 47_416, "", "", ""),
    ("python3.12", "/usr/bin", 8_021_824, "", "", ""),
    ("git", "/usr/bin", 4_014_952, "", "", ""),
    ("nmap", "/usr/bin", 2_961_352, "", "", ""),
    ("launchd", "/sbin", 857_504, "", "", ""),
    ("zsh", "/bin", 1_361_200, "", "", ""),
    ("Google Chrome", "/Applications/Google Chrome.app/Contents/MacOS", 308_560, "Google LLC", "Google Chrome", ""),
    ("Microsoft Outlook", "/Applications/Microsoft Outlook.app/Contents/MacOS", 198_704, MICROSOFT, "Microsoft Outlook", ""),
    ("softwareupdated", "/System/Library/CoreServices/Software Update.app/Contents/Resources", 1_204_784, "", "", ""),
];

/// Given name, family name, account, department, title, office.
#[rustfmt::skip]
pub(super) const PEOPLE: &[(&str, &str, &str, &str, &str, usize)] = &[
    ("Priya", "Raghunathan", "priya.raghunathan", "Finance", "Accounts Payable Analyst", 0),
    ("Tove", "Lindqvist", "tove.lindqvist", "IT", "Helpdesk Engineer", 2),
    ("Marcus", "Adeyemi", "marcus.adeyemi", "IT", "Systems Administrator", 0),
    ("Eleanor", "Whitcombe", "eleanor.whitcombe", "Management", "Chief Executive", 0),
    ("Zoë", "Østergård", "zoe.ostergard", "Finance", "Chief Financial Officer", 0),
    ("Jürgen", "Müller", "jurgen.muller", "Engineering", "Head of Optics", 1),
    ("Łukasz", "Żak", "lukasz.zak", "Engineering", "Lens Designer", 1),
    ("Hạnh", "Nguyễn Thị", "hanh.nguyen", "Engineering", "Lens Designer", 1),
    ("Siobhán", "O'Brien", "siobhan.obrien", "Sales", "Account Executive", 0),
    ("Daniel", "Ferreira", "daniel.ferreira", "Sales", "Account Executive", 1),
    ("Aino", "Mäkelä", "aino.makela", "Operations", "Plant Planner", 2),
    ("Olli", "Virtanen", "olli.virtanen", "Operations", "Plant Manager", 2),
    ("Grace", "Okonkwo", "grace.okonkwo", "Human Resources", "HR Partner", 0),
    ("Tomasz", "Wiśniewski", "tomasz.wisniewski", "Engineering", "Firmware Engineer", 1),
    ("Yuki", "Tanaka", "yuki.tanaka", "Engineering", "Test Engineer", 1),
    ("Ben", "Hargreaves", "ben.hargreaves", "Finance", "Financial Controller", 0),
    ("Leila", "Haddad", "leila.haddad", "Legal", "Counsel", 1),
    ("Pieter", "van der Berg", "pieter.vanderberg", "Sales", "Regional Lead", 1),
    ("Chloé", "Lefèvre", "chloe.lefevre", "Marketing", "Campaign Manager", 0),
    ("Ravi", "Menon", "ravi.menon", "Engineering", "Software Engineer", 1),
    ("Hanna", "Korhonen", "hanna.korhonen", "Operations", "Shift Lead", 2),
    ("Mikko", "Laine", "mikko.laine", "Operations", "Maintenance Engineer", 2),
    ("Isabel", "Moreno", "isabel.moreno", "Marketing", "Designer", 0),
    ("Owen", "Pritchard", "owen.pritchard", "Sales", "Inside Sales", 0),
    ("Fatima", "El-Sayed", "fatima.elsayed", "Finance", "Payroll Specialist", 0),
    ("Kwame", "Mensah", "kwame.mensah", "Engineering", "Metrology Engineer", 1),
    ("Ingrid", "Solheim", "ingrid.solheim", "Quality", "Quality Auditor", 2),
    ("Noah", "Bergström", "noah.bergstrom", "Engineering", "Software Engineer", 1),
    ("Amelia", "Foster", "amelia.foster", "Human Resources", "Recruiter", 0),
    ("Diego", "Castellanos", "diego.castellanos", "Purchasing", "Buyer", 1),
    ("Marta", "Kowalczyk", "marta.kowalczyk", "Purchasing", "Senior Buyer", 1),
    ("Samuel", "Achterberg", "samuel.achterberg", "Engineering", "Build Engineer", 1),
    ("Nadia", "Petrescu", "nadia.petrescu", "Security", "Security Analyst", 0),
    ("Callum", "Reid", "callum.reid", "Security", "Security Analyst", 0),
    ("Wei", "Zhang", "wei.zhang", "Engineering", "Coatings Chemist", 1),
    ("Anneli", "Rautio", "anneli.rautio", "Operations", "Logistics Clerk", 2),
    ("Joana", "Silva", "joana.silva", "Marketing", "Content Writer", 0),
    ("Peter", "Novák", "peter.novak", "Quality", "Calibration Technician", 2),
    ("Tove", "Lindqvist (admin)", "adm.tove", "IT", "Administrator account", 2),
    ("Marcus", "Adeyemi (admin)", "adm.marcus", "IT", "Administrator account", 0),
    ("Backup", "Service", "svc_backup", "IT", "Service account", 0),
    ("SQL", "Service", "svc_sql", "IT", "Service account", 0),
    ("Scanner", "Service", "svc_scan", "IT", "Service account", 0),
    ("Build", "Agent", "svc_build", "IT", "Service account", 1),
];

/// How many of them there are.
pub(super) const STAFF: usize = PEOPLE.len();

/// City, country, its code.
pub(super) const OFFICES: [(&str, &str, &str); 3] =
    [("Bristol", "United Kingdom", "GB"), ("Rotterdam", "Netherlands", "NL"), ("Tampere", "Finland", "FI")];

const fn os(
    platform: &'static str,
    version: &'static str,
    build: Option<i64>,
    distribution: &'static str,
    architecture: &'static str,
) -> Os {
    Os { platform, version, build, distribution, architecture }
}

pub(super) const WINDOWS_11: Os = os("Windows11", "24H2", Some(26100), "Windows11", "x64");
pub(super) const WINDOWS_10: Os = os("Windows10", "22H2", Some(19045), "Windows10", "x64");
pub(super) const SERVER_2022: Os = os("WindowsServer2022", "21H2", Some(20348), "WindowsServer2022", "x64");
const SERVER_2019: Os = os("WindowsServer2019", "1809", Some(17763), "WindowsServer2019", "x64");
const SERVER_2016: Os = os("WindowsServer2016", "1607", Some(14393), "WindowsServer2016", "x64");
pub(super) const UBUNTU: Os = os("Linux", "24.04", None, "Ubuntu", "x64");
const RED_HAT: Os = os("Linux", "9.4", None, "RedHatEnterpriseLinux", "x64");
pub(super) const MACOS: Os = os("macOS", "15.1", None, "macOS", "arm64");

/// Host, system, the two signed in (places in [`PEOPLE`]), device group.
#[rustfmt::skip]
pub(super) const HOSTS: &[(&str, Os, usize, usize, usize)] = &[
    ("lark-ws-014", WINDOWS_11, 0, 38, 0), ("lark-ws-002", WINDOWS_11, 1, 38, 0), ("lark-ws-003", WINDOWS_11, 2, 39, 0),
    ("lark-lt-001", WINDOWS_11, 3, 1, 1), ("lark-lt-002", WINDOWS_11, 4, 15, 1), ("lark-ws-006", WINDOWS_11, 5, 6, 0),
    ("lark-ws-007", WINDOWS_11, 6, 7, 0), ("lark-ws-008", WINDOWS_11, 7, 14, 0), ("lark-lt-009", WINDOWS_11, 8, 23, 0),
    ("lark-lt-010", WINDOWS_11, 9, 17, 0), ("lark-ws-011", WINDOWS_10, 10, 11, 2), ("lark-ws-012", WINDOWS_10, 11, 20, 2),
    ("lark-ws-013", WINDOWS_11, 12, 28, 0), ("lark-ws-015", WINDOWS_11, 13, 19, 0), ("lark-ws-016", WINDOWS_10, 14, 25, 0),
    ("lark-ws-017", WINDOWS_11, 15, 24, 0), ("lark-lt-018", WINDOWS_11, 16, 12, 1), ("lark-lt-019", WINDOWS_11, 17, 9, 0),
    ("lark-ws-020", WINDOWS_11, 23, 8, 0), ("lark-ws-021", WINDOWS_11, 24, 0, 0), ("lark-ws-022", WINDOWS_10, 20, 21, 2),
    ("lark-ws-023", WINDOWS_10, 21, 35, 2), ("lark-ws-024", WINDOWS_11, 29, 30, 0), ("lark-ws-025", WINDOWS_11, 34, 37, 0),
    ("lark-dc-01", SERVER_2022, 39, 38, 3), ("lark-dc-02", SERVER_2022, 39, 38, 3), ("lark-fs-01", SERVER_2019, 38, 40, 3),
    ("lark-sql-01", SERVER_2019, 39, 41, 3), ("lark-web-01", SERVER_2022, 39, 43, 3), ("lark-bkp-01", SERVER_2016, 38, 40, 3),
    ("lark-app-01", SERVER_2022, 39, 41, 3), ("lark-jump-01", SERVER_2022, 38, 39, 3),
    ("lark-lnx-01", UBUNTU, 43, 31, 4), ("lark-lnx-02", UBUNTU, 42, 32, 4), ("lark-lnx-03", RED_HAT, 43, 27, 4),
    ("lark-lnx-04", RED_HAT, 40, 2, 4),
    ("lark-mac-01", MACOS, 22, 18, 1), ("lark-mac-02", MACOS, 18, 36, 1), ("lark-mac-03", MACOS, 27, 19, 0), ("lark-mac-04", MACOS, 36, 22, 0),
];
pub(super) const GROUPS: [&str; 5] = ["Workstations", "Executives", "Plant floor", "Servers", "Linux"];

impl World {
    pub(super) fn new(now: i64, plan: &Plan) -> Self {
        let seed = plan.seed;
        let mut random = Random::new(seed, "world");
        let mut users = users(now, &mut random);
        let mut machines = machines(now, &mut random, &users);
        if plan.kind == Kind::Empty {
            machines.clear();
            users.retain(|u| u.department == "Security");
            users.truncate(1);
        }
        let (lively, staff) = (machines.len(), if plan.kind == Kind::Empty { 0 } else { users.len() });
        more::add(&mut users, &mut machines, plan.machines(), now, seed);
        let all = plan.kind != Kind::Large;
        let people: Vec<Arc<UserFacts>> = users.iter().map(|u| Arc::new(facts_of(u))).collect();
        let images = IMAGES.iter().map(|(name, folder, size, company, product, description)| {
            let separator = if folder.starts_with('/') { '/' } else { '\\' };
            let version = if company.is_empty() { "" } else { "10.0.26100.1" };
            (*name, Arc::new(Image::new(&format!("{folder}{separator}{name}"), *size, company, product, version, description)))
        });
        let mut world = Self {
            now,
            seed,
            people,
            roots: Vec::new(),
            boot: Vec::new(),
            system: Arc::new(account("system", "nt authority", "S-1-5-18")),
            bare: plan.kind == Kind::Empty,
            days: plan.days,
            lively: if all { machines.len() } else { lively },
            staff: if all && staff > 0 { users.len() } else { staff },
            accounts: users.iter().enumerate().map(|(at, u)| (u.account.clone(), at)).collect(),
            hosts: machines.iter().enumerate().map(|(at, m)| (m.host.clone(), at)).collect(),
            images: images.collect(),
            unknown: Image::stray("unknown", 0),
            users,
            machines,
        };
        for (at, machine) in world.machines.clone().iter().enumerate() {
            // Machines beside the story's own draw for themselves, so that their number changes nothing of the story.
            let mut own = Random::new(seed, &machine.id);
            let roots = world.start(machine, if at < lively { &mut random } else { &mut own });
            world.roots.push(roots);
        }
        world
    }

    /// A program of the catalogue.
    pub(super) fn image(&self, name: &str) -> Arc<Image> {
        self.images.get(name).unwrap_or(&self.unknown).clone()
    }

    /// The account of that name.
    pub(super) fn person(&self, account: &str) -> Arc<UserFacts> {
        self.accounts.get(account).and_then(|at| self.people.get(*at)).unwrap_or(&self.system).clone()
    }

    /// The person of that name, with all that the directory knows.
    pub(super) fn user(&self, account: &str) -> Option<&User> {
        self.accounts.get(account).and_then(|at| self.users.get(*at))
    }

    /// The machine of that host name, with its roots.
    pub(super) fn host(&self, host: &str) -> Option<(&Arc<Machine>, &Roots)> {
        let at = *self.hosts.get(host)?;
        self.machines.get(at).zip(self.roots.get(at))
    }

    fn start(&mut self, machine: &Arc<Machine>, random: &mut Random) -> Roots {
        let at = self.now - 30 * DAY + random.range(10 * MINUTE, 5 * HOUR);
        let (kernel, command) = match machine.os.platform {
            "Linux" => ("systemd", "/usr/lib/systemd/systemd --switched-root --system"),
            "macOS" => ("launchd", "/sbin/launchd"),
            _ => ("ntoskrnl.exe", ""),
        };
        let root = Arc::new(Process {
            machine: machine.clone(),
            image: self.image(kernel),
            pid: if kernel == "ntoskrnl.exe" { 4 } else { 1 },
            created: at - 20 * SECOND,
            command: command.into(),
            user: if kernel == "ntoskrnl.exe" { self.system.clone() } else { Arc::new(account("root", &machine.host, "")) },
            parent: None,
            logon: 999,
            session: 0,
            integrity: "System",
            elevation: "TokenElevationTypeDefault",
            remote: None,
            unique: random.hex(16),
        });
        let mut spawn = |parent: &Arc<Process>, name: &str, command: &str, after: i64| {
            let child = Arc::new(Process::child(parent, random, self.image(name), at + after, command));
            self.boot.push(child.clone());
            child
        };
        match kernel {
            "systemd" => {
                let cron = spawn(&root, "cron", "/usr/sbin/cron -f -P", SECOND);
                let sshd = spawn(&root, "sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", 2 * SECOND);
                Roots { services: root, svchost: cron, lsass: sshd.clone(), winlogon: sshd }
            }
            "launchd" => Roots { services: root.clone(), svchost: root.clone(), lsass: root.clone(), winlogon: root },
            _ => {
                let smss = spawn(&root, "smss.exe", "\\SystemRoot\\System32\\smss.exe", 0);
                let wininit = spawn(&smss, "wininit.exe", "wininit.exe", SECOND);
                let winlogon = spawn(&smss, "winlogon.exe", "winlogon.exe", 2 * SECOND);
                let services = spawn(&wininit, "services.exe", "C:\\Windows\\system32\\services.exe", 2 * SECOND + 11);
                let lsass = spawn(&wininit, "lsass.exe", "C:\\Windows\\system32\\lsass.exe", 2 * SECOND + 4_711);
                let svchost = spawn(&services, "svchost.exe", "C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s Schedule", 4 * SECOND);
                Roots { services, svchost, lsass, winlogon }
            }
        }
    }
}

/// An account outside the directory.
pub(super) fn account(name: &str, domain: &str, sid: &str) -> UserFacts {
    UserFacts { account: name.into(), domain: domain.into(), sid: sid.into(), id: "".into(), upn: "".into(), display: name.into() }
}

fn facts_of(user: &User) -> UserFacts {
    UserFacts {
        account: user.account.clone(),
        domain: NETBIOS.into(),
        sid: user.sid.clone(),
        id: user.id.clone(),
        upn: user.upn.clone(),
        display: user.display.clone(),
    }
}

fn users(now: i64, random: &mut Random) -> Vec<User> {
    let forest =
        format!("S-1-5-21-{}-{}-{}", random.range(1 << 28, 1 << 32), random.range(1 << 28, 1 << 32), random.range(1 << 28, 1 << 32));
    let user = |(at, (given, surname, account, department, title, office)): (
        usize,
        &(&'static str, &'static str, &'static str, &'static str, &'static str, usize),
    )| {
        let (city, country, _) = OFFICES.get(*office).copied().unwrap_or_default();
        let cloud = [(); 4].map(|()| random.range(1 << 28, 1 << 32).to_string());
        User {
            id: random.guid(),
            account: (*account).into(),
            upn: format!("{account}@{DOMAIN}").into(),
            display: format!("{given} {surname}").into(),
            given: (*given).into(),
            surname: (*surname).into(),
            sid: format!("{forest}-{}", 1104 + at).into(),
            cloud_sid: format!("S-1-12-1-{}", cloud.join("-")).into(),
            department,
            title,
            city,
            country,
            enabled: true,
            privileged: account.starts_with("adm.") || account.starts_with("svc_"),
            created: now - random.range(200, 2200) * DAY - random.range(0, DAY),
            manager: (at != 3).then_some(match *department {
                "Finance" if at != 4 => 4,
                "Engineering" if at != 5 => 5,
                "Operations" if at != 11 => 11,
                "IT" if at != 2 => 2,
                _ => 3,
            }),
        }
    };
    PEOPLE.iter().enumerate().map(user).collect()
}

fn machines(now: i64, random: &mut Random, users: &[User]) -> Vec<Arc<Machine>> {
    let machine = |(at, (host, os, first, second, group)): (usize, &(&'static str, Os, usize, usize, usize))| {
        let (health, silent) = match *host {
            "lark-lt-019" => (Health::Inactive, 9 * DAY),
            "lark-ws-023" => (Health::ImpairedCommunication, 2 * DAY),
            "lark-mac-04" => (Health::NoSensorData, 12 * DAY),
            _ => (Health::Active, 0),
        };
        let server = *group == 3;
        let tags: &[&str] = match *host {
            "lark-dc-01" | "lark-dc-02" => &["Tier0", "Domain controller"],
            "lark-bkp-01" => &["Backup", "Legacy OS"],
            "lark-fs-01" | "lark-sql-01" => &["Crown jewels"],
            "lark-lt-001" | "lark-lt-002" => &["VIP"],
            "lark-ws-014" => &["Finance"],
            _ if *group == 2 => &["Plant", "Do not reboot"],
            _ => &[],
        };
        let high = server && !tags.is_empty() || tags.contains(&"VIP");
        let subnet = match group {
            3 => 1,
            4 => 2,
            2 => 30,
            _ => 10,
        };
        Arc::new(Machine {
            id: random.hex(40),
            name: format!("{host}.{AD_DOMAIN}").into(),
            host: (*host).into(),
            os: *os,
            first_seen: now - random.range(60, 700) * DAY - random.range(0, DAY),
            last_seen: now - silent - random.range(SECOND, 9 * MINUTE),
            ip: format!("10.20.{subnet}.{}", 11 + at).into(),
            external_ip: format!("192.0.2.{}", 10 + group).into(),
            mac: random.hex(12).to_uppercase().into(),
            agent: if os.platform.starts_with("Windows") { "10.8798.26100.2314" } else { "101.26082.0004" },
            health,
            value: if high { "High" } else { "Normal" },
            group_id: 110 + *group as i64,
            group: GROUPS.get(*group).copied().unwrap_or_default(),
            risk: Risk::None,
            least_risk: Risk::None,
            exposure: if *os == SERVER_2016 || *os == WINDOWS_10 {
                "High"
            } else if server {
                "Medium"
            } else {
                "Low"
            },
            aad_device_id: (*group != 4).then(|| random.guid()),
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            managed_by: match group {
                3 => "MicrosoftDefenderForEndpoint",
                4 => "Unknown",
                _ => "Intune",
            },
            excluded: health == Health::NoSensorData,
            exclusion: "InactiveDevice",
            onboarding: "Onboarded",
            vm_id: (*host == "lark-web-01" || *host == "lark-app-01").then(|| random.guid()),
            users: vec![*first, *second],
            logged_on: [first, second].iter().filter_map(|u| users.get(**u)).map(|u| u.account.clone()).collect(),
        })
    };
    HOSTS.iter().enumerate().map(machine).collect()
}
