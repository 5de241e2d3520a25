//! Users, machines, alerts and incidents, once and in one spelling.
//!
//! Three services show the same alert under three sets of names and letter cases. Were each handler to keep its own copy, a change made
//! through one service would not show in the other two. So there is one alert, and `render` spells it for whoever asks.

use std::sync::Arc;

/// An enumeration with the Endpoint and XDR spelling (Pascal case), Graph's (camel case), and what else a request may say for it.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $pascal:literal $camel:literal $([$($alias:literal),+])?;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $pascal] $variant,)+ }

        impl $name {
            /// As Defender for Endpoint and Defender XDR spell it.
            pub fn pascal(self) -> &'static str {
                match self { $(Self::$variant => $pascal,)+ }
            }

            /// As Microsoft Graph spells it.
            pub fn camel(self) -> &'static str {
                match self { $(Self::$variant => $camel,)+ }
            }

            /// From any service's spelling, whatever the letter case.
            pub fn parse(text: &str) -> Option<Self> {
                $(if [$pascal, $camel $(, $($alias),+)?].iter().any(|s| s.eq_ignore_ascii_case(text)) { return Some(Self::$variant); })+
                None
            }
        }
    };
}

spelled! {
    /// How bad an alert or an incident is.
    Severity {
        Informational "Informational" "informational";
        Low "Low" "low";
        Medium "Medium" "medium";
        High "High" "high";
    }
}

spelled! {
    /// What the open alerts make of a machine.
    Risk {
        None "None" "none";
        Informational "Informational" "informational";
        Low "Low" "low";
        Medium "Medium" "medium";
        High "High" "high";
    }
}

spelled! {
    /// Where an alert stands.
    AlertStatus {
        New "New" "new";
        InProgress "InProgress" "inProgress";
        Resolved "Resolved" "resolved";
    }
}

spelled! {
    /// Where an incident stands.
    IncidentStatus {
        Active "Active" "active";
        InProgress "InProgress" "inProgress";
        Resolved "Resolved" "resolved";
        Redirected "Redirected" "redirected";
        AwaitingAction "AwaitingAction" "awaitingAction";
    }
}

spelled! {
    /// Whether it was one. Not yet said: `None` around it.
    Classification {
        FalsePositive "FalsePositive" "falsePositive";
        TruePositive "TruePositive" "truePositive";
        InformationalExpectedActivity "InformationalExpectedActivity" "informationalExpectedActivity";
    }
}

spelled! {
    /// What it was. Not yet said: `None` around it. The services take some under two names.
    Determination {
        Apt "Apt" "apt";
        Malware "Malware" "malware";
        SecurityPersonnel "SecurityPersonnel" "securityPersonnel";
        SecurityTesting "SecurityTesting" "securityTesting";
        UnwantedSoftware "UnwantedSoftware" "unwantedSoftware";
        Other "Other" "other";
        MultiStagedAttack "MultiStagedAttack" "multiStagedAttack";
        CompromisedAccount "CompromisedAccount" "compromisedAccount" ["CompromisedUser"];
        Phishing "Phishing" "phishing";
        MaliciousUserActivity "MaliciousUserActivity" "maliciousUserActivity";
        NotMalicious "NotMalicious" "notMalicious" ["Clean"];
        NotEnoughData "NoEnoughDataToValidate" "notEnoughDataToValidate" ["InsufficientData"];
        ConfirmedActivity "ConfirmedActivity" "confirmedActivity" ["ConfirmedUserActivity"];
        LineOfBusinessApplication "LineOfBusinessApplication" "lineOfBusinessApplication";
    }
}

spelled! {
    /// Where the automated investigation stands.
    InvestigationState {
        UnsupportedAlertType "UnsupportedAlertType" "unsupportedAlertType";
        Queued "Queued" "queued";
        Running "Running" "running";
        PendingApproval "PendingApproval" "pendingApproval";
        Benign "Benign" "benign";
        SuccessfullyRemediated "SuccessfullyRemediated" "successfullyRemediated";
        PartiallyInvestigated "PartiallyInvestigated" "partiallyInvestigated";
        TerminatedByUser "TerminatedByUser" "terminatedByUser";
    }
}

spelled! {
    /// The product that raised an alert.
    ServiceSource {
        Endpoint "MicrosoftDefenderForEndpoint" "microsoftDefenderForEndpoint";
        Identity "MicrosoftDefenderForIdentity" "microsoftDefenderForIdentity";
        CloudApps "MicrosoftCloudAppSecurity" "microsoftDefenderForCloudApps";
        Office "MicrosoftDefenderForOffice365" "microsoftDefenderForOffice365";
        EntraId "AADIdentityProtection" "azureAdIdentityProtection";
        Xdr "Microsoft365Defender" "microsoft365Defender";
    }
}

impl ServiceSource {
    /// As the hunting tables and `productName` say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Endpoint => "Microsoft Defender for Endpoint",
            Self::Identity => "Microsoft Defender for Identity",
            Self::CloudApps => "Microsoft Defender for Cloud Apps",
            Self::Office => "Microsoft Defender for Office 365",
            Self::EntraId => "AAD Identity Protection",
            Self::Xdr => "Microsoft 365 Defender",
        }
    }
}

spelled! {
    /// The sensor that raised an alert.
    DetectionSource {
        Edr "WindowsDefenderAtp" "microsoftDefenderForEndpoint";
        Antivirus "WindowsDefenderAv" "antivirus";
        SmartScreen "WindowsDefenderSmartScreen" "smartScreen";
        Office "OfficeATP" "microsoftDefenderForOffice365";
        Identity "AzureATP" "microsoftDefenderForIdentity";
        CloudApps "MCAS" "cloudAppSecurity";
        EntraId "AAD" "azureAdIdentityProtection";
        Custom "CustomDetection" "customDetection";
        Xdr "MTP" "microsoft365Defender";
    }
}

impl DetectionSource {
    /// As the hunting tables say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Edr => "EDR",
            Self::Antivirus => "Antivirus",
            Self::SmartScreen => "SmartScreen",
            Self::Office => "Microsoft Defender for Office 365",
            Self::Identity => "Microsoft Defender for Identity",
            Self::CloudApps => "Microsoft Defender for Cloud Apps",
            Self::EntraId => "AAD Identity Protection",
            Self::Custom => "Custom detection",
            Self::Xdr => "Microsoft 365 Defender",
        }
    }
}

spelled! {
    /// What the service thinks of a piece of evidence.
    Verdict {
        Unknown "Unknown" "unknown";
        Suspicious "Suspicious" "suspicious";
        Malicious "Malicious" "malicious";
        Clean "Clean" "noThreatsFound";
    }
}

spelled! {
    /// What was done about a piece of evidence.
    Remediation {
        None "None" "none";
        Remediated "Remediated" "remediated";
        Prevented "Prevented" "prevented";
        Blocked "Blocked" "blocked";
        Active "Active" "active";
        PendingApproval "PendingApproval" "pendingApproval";
    }
}

spelled! {
    /// Whether a machine's sensor reports.
    Health {
        Active "Active" "active";
        Inactive "Inactive" "inactive";
        ImpairedCommunication "ImpairedCommunication" "impairedCommunication";
        NoSensorData "NoSensorData" "noSensorData";
    }
}

/// A person or a service account.
#[derive(Clone, Debug)]
pub struct User {
    /// The object's id in Entra ID.
    pub id: Arc<str>,
    /// The account name, without the domain. The Endpoint service's user id.
    pub account: Arc<str>,
    /// The user principal name, which is also the mail address.
    pub upn: Arc<str>,
    /// The name that people read.
    pub display: Arc<str>,
    /// Given name.
    pub given: Arc<str>,
    /// Family name.
    pub surname: Arc<str>,
    /// Security identifier on premises.
    pub sid: Arc<str>,
    /// Security identifier in Entra ID.
    pub cloud_sid: Arc<str>,
    /// Where they work.
    pub department: &'static str,
    /// As what they work.
    pub title: &'static str,
    /// The city of their office.
    pub city: &'static str,
    /// The country of their office.
    pub country: &'static str,
    /// Whether the account may sign in.
    pub enabled: bool,
    /// An administrator's or a service's account, not a person's own.
    pub privileged: bool,
    /// When the account was made, in ticks.
    pub created: i64,
    /// The place among the tenant's users of the manager.
    pub manager: Option<usize>,
}

/// What an operating system is called by the services.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Os {
    /// `osPlatform`, such as `Windows11`.
    pub platform: &'static str,
    /// Release, such as `23H2`; Linux and macOS: the version.
    pub version: &'static str,
    /// Build number; `None` where there is none.
    pub build: Option<i64>,
    /// Distribution or edition, as `DeviceInfo.OSDistribution` says it.
    pub distribution: &'static str,
    /// `x64` or `arm64`.
    pub architecture: &'static str,
}

/// A device with a sensor.
#[derive(Clone, Debug)]
pub struct Machine {
    /// 40 hexadecimal digits.
    pub id: Arc<str>,
    /// Full DNS name, in lower case.
    pub name: Arc<str>,
    /// The first label of the DNS name.
    pub host: Arc<str>,
    /// The operating system.
    pub os: Os,
    /// First contact, in ticks.
    pub first_seen: i64,
    /// Last contact, in ticks.
    pub last_seen: i64,
    /// Address inside.
    pub ip: Arc<str>,
    /// Address outside.
    pub external_ip: Arc<str>,
    /// Hardware address, 12 hexadecimal digits.
    pub mac: Arc<str>,
    /// The sensor's version.
    pub agent: &'static str,
    /// Whether the sensor reports.
    pub health: Health,
    /// `Normal`, `Low` or `High`.
    pub value: &'static str,
    /// Number of the device group.
    pub group_id: i64,
    /// Name of the device group.
    pub group: &'static str,
    /// From the open alerts: see [`super::Tenant::assess`].
    pub risk: Risk,
    /// What it is without alerts.
    pub least_risk: Risk,
    /// `None`, `Low`, `Medium` or `High`.
    pub exposure: &'static str,
    /// The device's id in Entra ID, if it is joined.
    pub aad_device_id: Option<Arc<str>>,
    /// Tags, which PATCH and POST change.
    pub tags: Vec<String>,
    /// `Intune`, `MicrosoftDefenderForEndpoint` or `Unknown`.
    pub managed_by: &'static str,
    /// Whether it is kept out of the exposure score.
    pub excluded: bool,
    /// Why, as the service spells it.
    pub exclusion: &'static str,
    /// `Onboarded`, or `CanBeOnboarded` once it was offboarded.
    pub onboarding: &'static str,
    /// The virtual machine's id in Azure, if it is one.
    pub vm_id: Option<Arc<str>>,
    /// The places among the tenant's users of those signed in, the main one first.
    pub users: Vec<usize>,
    /// Their account names.
    pub logged_on: Vec<Arc<str>>,
}

/// A file as evidence and events show it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFacts {
    /// Name with extension.
    pub name: Arc<str>,
    /// Folder, without the name.
    pub folder: Arc<str>,
    /// 40 hexadecimal digits.
    pub sha1: Arc<str>,
    /// 64 hexadecimal digits.
    pub sha256: Arc<str>,
    /// 32 hexadecimal digits.
    pub md5: Arc<str>,
    /// Bytes.
    pub size: i64,
    /// Who signed it; empty: nobody.
    pub publisher: Arc<str>,
}

/// An account as evidence shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserFacts {
    /// Account name.
    pub account: Arc<str>,
    /// Domain (NetBIOS name).
    pub domain: Arc<str>,
    /// Security identifier.
    pub sid: Arc<str>,
    /// Object id in Entra ID; empty: none.
    pub id: Arc<str>,
    /// User principal name; empty: none.
    pub upn: Arc<str>,
    /// Display name.
    pub display: Arc<str>,
}

/// A process as evidence shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessFacts {
    /// Its image.
    pub file: Arc<FileFacts>,
    /// Its id on the machine.
    pub pid: i64,
    /// Its creation, in ticks.
    pub created: i64,
    /// Its command line.
    pub command_line: Arc<str>,
    /// Its parent's image.
    pub parent: Arc<FileFacts>,
    /// Its parent's id.
    pub parent_pid: i64,
    /// Its parent's creation, in ticks.
    pub parent_created: i64,
    /// Whose it is.
    pub user: Arc<UserFacts>,
}

/// A mail as evidence shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MailFacts {
    /// A GUID that all hunting tables know the mail by.
    pub network_message_id: Arc<str>,
    /// The header's id.
    pub internet_message_id: Arc<str>,
    /// When it came, in ticks.
    pub received: i64,
    /// The sender's address.
    pub sender: Arc<str>,
    /// The sender's name.
    pub sender_name: Arc<str>,
    /// The sender's server.
    pub sender_ip: Arc<str>,
    /// The recipient.
    pub recipient: Arc<UserFacts>,
    /// The subject.
    pub subject: Arc<str>,
    /// `Delivered`, `Blocked`, `Junked`.
    pub delivery_action: &'static str,
    /// `Inbox/folder`, `Quarantine`, `Junk folder`.
    pub delivery_location: &'static str,
    /// `Phish`, `Malware`, `Spam` or empty.
    pub threats: &'static str,
    /// The links in it.
    pub urls: Vec<Arc<str>>,
    /// How many attachments it has.
    pub attachments: i64,
}

/// What a piece of evidence is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// A process on the alert's machine.
    Process(ProcessFacts),
    /// A file on the alert's machine.
    File(Arc<FileFacts>),
    /// An account.
    User(Arc<UserFacts>),
    /// An address.
    Ip(Arc<str>),
    /// A link.
    Url(Arc<str>),
    /// A mail.
    Mail(MailFacts),
    /// A mailbox.
    Mailbox(Arc<UserFacts>),
    /// A value in the registry.
    Registry {
        /// `HKEY_LOCAL_MACHINE` and the like.
        hive: &'static str,
        /// The key below the hive.
        key: Arc<str>,
        /// The value's name.
        name: Arc<str>,
        /// The value's data.
        data: Arc<str>,
    },
    /// A cloud application.
    Application {
        /// Its number in Defender for Cloud Apps.
        id: i64,
        /// Its name.
        name: &'static str,
    },
}

/// A piece of evidence of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// When it was added, in ticks.
    pub created: i64,
    /// What the service thinks of it.
    pub verdict: Verdict,
    /// What was done about it.
    pub remediation: Remediation,
    /// What it is about.
    pub entity: Entity,
}

/// A remark on an alert or an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// The remark.
    pub text: String,
    /// Who made it.
    pub by: String,
    /// When, in ticks.
    pub at: i64,
}

/// An alert of any Defender product.
#[derive(Clone, Debug)]
pub struct Alert {
    /// The id that all services and tables know it by.
    pub id: Arc<str>,
    /// The id at the product that raised it.
    pub provider_id: Arc<str>,
    /// The incident it belongs to.
    pub incident_id: i64,
    /// The tenant.
    pub tenant_id: Arc<str>,
    /// The automated investigation, if there is one.
    pub investigation_id: Option<i64>,
    /// Where that stands.
    pub investigation_state: InvestigationState,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: AlertStatus,
    /// Whether it was one.
    pub classification: Option<Classification>,
    /// What it was.
    pub determination: Option<Determination>,
    /// Who has it (a user principal name).
    pub assigned_to: Option<String>,
    /// The product that raised it.
    pub service: ServiceSource,
    /// The sensor that raised it.
    pub detection: DetectionSource,
    /// The id of the rule.
    pub detector_id: Arc<str>,
    /// Stage of the attack, such as `CredentialAccess`; one spelling everywhere.
    pub category: &'static str,
    /// Family of the threat; empty: none.
    pub threat_family: &'static str,
    /// Name of the threat; empty: none.
    pub threat_name: &'static str,
    /// One line.
    pub title: Arc<str>,
    /// A few lines.
    pub description: Arc<str>,
    /// What the service recommends.
    pub recommended: Arc<str>,
    /// ATT&CK techniques, such as `T1059.001`.
    pub techniques: &'static [&'static str],
    /// When it was raised, in ticks.
    pub created: i64,
    /// The first event behind it.
    pub first_event: i64,
    /// The last event behind it.
    pub last_event: i64,
    /// Its last change.
    pub last_update: i64,
    /// When it was resolved.
    pub resolved: Option<i64>,
    /// The machines it is about (ids), the main one first. Only the Endpoint product's have any.
    pub machines: Vec<Arc<str>>,
    /// The main machine's DNS name.
    pub machine_name: Option<Arc<str>>,
    /// The main machine's group.
    pub machine_group: Option<&'static str>,
    /// Accounts signed in to the main machine.
    pub logged_on: Vec<Arc<str>>,
    /// The account it is about.
    pub user: Option<Arc<UserFacts>>,
    /// Remarks, the oldest first.
    pub comments: Vec<Comment>,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

impl Alert {
    /// Whether `/api/alerts` lists it: only what Defender for Endpoint raised.
    pub fn is_endpoint(&self) -> bool {
        self.service == ServiceSource::Endpoint
    }
}

/// Alerts that belong together.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: Arc<str>,
    /// A few lines.
    pub description: Arc<str>,
    /// The tenant.
    pub tenant_id: Arc<str>,
    /// When it was made, in ticks.
    pub created: i64,
    /// Its last change.
    pub last_update: i64,
    /// Where it stands.
    pub status: IncidentStatus,
    /// The worst of its alerts.
    pub severity: Severity,
    /// Who has it (a user principal name).
    pub assigned_to: Option<String>,
    /// Whether it was one.
    pub classification: Option<Classification>,
    /// What it was.
    pub determination: Option<Determination>,
    /// Tags of people, which PATCH replaces.
    pub tags: Vec<String>,
    /// Tags of the service.
    pub system_tags: Vec<String>,
    /// Remarks, the oldest first.
    pub comments: Vec<Comment>,
    /// Why it was resolved (Graph).
    pub resolving_comment: Option<String>,
    /// Who changed it last (Graph).
    pub last_modified_by: Option<String>,
    /// The incident that it was merged into.
    pub redirect_to: Option<i64>,
    /// Ids of its alerts, in the order of their creation.
    pub alerts: Vec<Arc<str>>,
}

impl Incident {
    /// One that nobody has looked at yet, without alerts.
    pub(crate) fn new(id: i64, name: Arc<str>, description: Arc<str>, tenant_id: Arc<str>, at: i64) -> Incident {
        Incident {
            id,
            name,
            description,
            tenant_id,
            created: at,
            last_update: at,
            status: IncidentStatus::Active,
            severity: Severity::Informational,
            assigned_to: None,
            classification: None,
            determination: None,
            tags: Vec::new(),
            system_tags: Vec::new(),
            comments: Vec::new(),
            resolving_comment: None,
            last_modified_by: None,
            redirect_to: None,
            alerts: Vec::new(),
        }
    }
}
