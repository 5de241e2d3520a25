//! One alert, machine or incident, in the spelling of the service that is asked.
//!
//! The property lists are those of `ops::types`, in their order; a test compares them.

use super::entities::*;
use crate::json::{Value, object};
use crate::kql::format_datetime;
use std::sync::Arc;

fn time(ticks: i64) -> Value {
    format_datetime(ticks).into()
}

fn moment(ticks: Option<i64>) -> Value {
    ticks.map_or(Value::Null, time)
}

/// Text; the empty one is null.
fn text(s: &str) -> Value {
    if s.is_empty() { Value::Null } else { s.into() }
}

fn maybe<S: AsRef<str>>(s: &Option<S>) -> Value {
    s.as_ref().map_or(Value::Null, |s| s.as_ref().into())
}

fn texts<S: AsRef<str>>(items: &[S]) -> Value {
    Value::Array(items.iter().map(|s| s.as_ref().into()).collect())
}

fn accounts(names: &[Arc<str>]) -> Value {
    Value::Array(names.iter().map(|n| object([("accountName", n.as_ref().into()), ("domainName", super::NETBIOS.into())])).collect())
}

/// An object of null members, some of them set: evidence of every kind carries the members of all kinds.
fn sparse(names: &[&str], set: Vec<(&str, Value)>) -> Value {
    let mut members: crate::json::Object = names.iter().map(|n| ((*n).to_owned(), Value::Null)).collect();
    for (name, value) in set {
        members.insert(name.to_owned(), value);
    }
    Value::Object(members)
}

impl Machine {
    fn vm(&self, spell: fn(&str, &str) -> String) -> Value {
        self.vm_id.as_ref().map_or(Value::Null, |id| {
            let subscription = super::SUBSCRIPTION_ID;
            object([
                ("vmId", id.as_ref().into()),
                ("cloudProvider", spell("Azure", "azure").into()),
                (
                    "resourceId",
                    format!(
                        "/subscriptions/{subscription}/resourceGroups/rg-servers/providers/Microsoft.Compute/virtualMachines/{}",
                        self.host
                    )
                    .into(),
                ),
                ("subscriptionId", subscription.into()),
            ])
        })
    }

    /// The Endpoint service's `Machine`.
    pub fn endpoint(&self) -> Value {
        let address = |ip: &str, kind: &str| {
            object([
                ("ipAddress", ip.into()),
                ("macAddress", self.mac.as_ref().into()),
                ("type", kind.into()),
                ("operationalStatus", "Up".into()),
            ])
        };
        let loopback = object([
            ("ipAddress", "127.0.0.1".into()),
            ("macAddress", Value::Null),
            ("type", "SoftwareLoopback".into()),
            ("operationalStatus", "Up".into()),
        ]);
        object([
            ("id", self.id.as_ref().into()),
            ("mergedIntoMachineId", Value::Null),
            ("isPotentialDuplication", false.into()),
            ("isExcluded", self.excluded.into()),
            ("exclusionReason", if self.excluded { text(self.exclusion) } else { Value::Null }),
            ("computerDnsName", self.name.as_ref().into()),
            ("firstSeen", time(self.first_seen)),
            ("lastSeen", time(self.last_seen)),
            ("osPlatform", self.os.platform.into()),
            ("osProcessor", self.os.architecture.into()),
            ("version", self.os.version.into()),
            ("lastIpAddress", self.ip.as_ref().into()),
            ("lastExternalIpAddress", self.external_ip.as_ref().into()),
            ("agentVersion", self.agent.into()),
            ("osBuild", self.os.build.into()),
            ("healthStatus", self.health.pascal().into()),
            ("deviceValue", self.value.into()),
            ("rbacGroupId", self.group_id.into()),
            ("rbacGroupName", self.group.into()),
            ("ipAddresses", Value::Array(vec![address(&self.ip, "Ethernet"), loopback])),
            ("riskScore", self.risk.pascal().into()),
            ("exposureLevel", self.exposure.into()),
            ("isAadJoined", self.aad_device_id.is_some().into()),
            ("aadDeviceId", maybe(&self.aad_device_id)),
            ("machineTags", texts(&self.tags)),
            ("vmMetadata", self.vm(|pascal, _| pascal.to_owned())),
            ("onboardingStatus", self.onboarding.into()),
            ("osArchitecture", if self.os.architecture == "arm64" { "ARM 64-bit".into() } else { "64-bit".into() }),
            ("managedBy", self.managed_by.into()),
            ("managedByStatus", if self.managed_by == "Unknown" { "Unknown".into() } else { "Success".into() }),
        ])
    }

    /// The device inside an alert of an XDR incident.
    pub fn xdr(&self) -> Value {
        object([
            ("mdatpDeviceId", self.id.as_ref().into()),
            ("aadDeviceId", maybe(&self.aad_device_id)),
            ("deviceDnsName", self.name.as_ref().into()),
            ("osPlatform", self.os.platform.into()),
            ("version", self.os.version.into()),
            ("osProcessor", self.os.architecture.into()),
            ("osBuild", self.os.build.into()),
            ("healthStatus", self.health.pascal().into()),
            ("riskScore", self.risk.pascal().into()),
            ("rbacGroupName", self.group.into()),
            ("firstSeen", time(self.first_seen)),
            ("tags", texts(&self.tags)),
            ("vmMetadata", self.vm(|pascal, _| pascal.to_owned())),
            ("onboardingStatus", self.onboarding.into()),
            ("loggedOnUsers", accounts(&self.logged_on)),
        ])
    }

    /// Graph's `deviceEvidence`.
    fn graph_evidence(&self, at: i64) -> Value {
        let mut members = graph_base("device", at, Verdict::Suspicious, Remediation::None, &[]);
        members.extend([
            ("firstSeenDateTime", time(self.first_seen)),
            ("mdeDeviceId", self.id.as_ref().into()),
            ("azureAdDeviceId", maybe(&self.aad_device_id)),
            ("deviceDnsName", self.name.as_ref().into()),
            ("hostName", self.host.as_ref().into()),
            ("ntDomain", super::NETBIOS.into()),
            ("dnsDomain", super::AD_DOMAIN.into()),
            ("osPlatform", self.os.platform.into()),
            ("osBuild", self.os.build.into()),
            ("version", self.os.version.into()),
            ("healthStatus", self.health.camel().into()),
            ("riskScore", self.risk.camel().into()),
            ("rbacGroupId", self.group_id.into()),
            ("rbacGroupName", self.group.into()),
            ("onboardingStatus", if self.onboarding == "Onboarded" { "onboarded".into() } else { "canBeOnboarded".into() }),
            ("defenderAvStatus", if self.health == Health::Active { "updated".into() } else { "unknown".into() }),
            ("lastIpAddress", self.ip.as_ref().into()),
            ("lastExternalIpAddress", self.external_ip.as_ref().into()),
            ("ipInterfaces", texts(&[self.ip.as_ref(), "127.0.0.1"])),
            ("vmMetadata", self.vm(|_, camel| camel.to_owned())),
            ("loggedOnUsers", accounts(&self.logged_on)),
            ("resourceAccessEvents", Value::Array(Vec::new())),
        ]);
        collect(members)
    }
}

fn collect(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// The members of the Endpoint service's `AlertEvidence`.
const ENDPOINT_EVIDENCE: &[&str] = &[
    "entityType",
    "evidenceCreationTime",
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "registryValueName",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
    "detectionStatus",
];

fn detection_status(remediation: Remediation) -> &'static str {
    match remediation {
        Remediation::Prevented => "Prevented",
        Remediation::Blocked | Remediation::Remediated => "Blocked",
        _ => "Detected",
    }
}

impl Evidence {
    /// The kind, as the Endpoint and XDR services name it.
    pub fn kind(&self) -> &'static str {
        match self.entity {
            Entity::Process(_) => "Process",
            Entity::File(_) => "File",
            Entity::User(_) => "User",
            Entity::Ip(_) => "Ip",
            Entity::Url(_) => "Url",
            Entity::Mail(_) => "MailMessage",
            Entity::Mailbox(_) => "Mailbox",
            Entity::Registry { .. } => "Registry",
            Entity::Application { .. } => "CloudApplication",
        }
    }

    /// What the Endpoint and XDR services name alike.
    fn common(&self) -> Vec<(&'static str, Value)> {
        let file = |f: &FileFacts| {
            vec![("sha1", text(&f.sha1)), ("sha256", text(&f.sha256)), ("fileName", text(&f.name)), ("filePath", text(&f.folder))]
        };
        let user = |u: &UserFacts| {
            vec![
                ("accountName", text(&u.account)),
                ("domainName", text(&u.domain)),
                ("userSid", text(&u.sid)),
                ("aadUserId", text(&u.id)),
                ("userPrincipalName", text(&u.upn)),
            ]
        };
        let mut set = vec![("entityType", self.kind().into()), ("evidenceCreationTime", time(self.created))];
        match &self.entity {
            Entity::Process(p) => {
                set.extend(file(&p.file));
                set.extend(user(&p.user));
                set.extend([
                    ("processId", p.pid.into()),
                    ("processCommandLine", p.command_line.as_ref().into()),
                    ("processCreationTime", time(p.created)),
                    ("parentProcessId", p.parent_pid.into()),
                    ("parentProcessCreationTime", time(p.parent_created)),
                    ("parentProcessFileName", text(&p.parent.name)),
                    ("parentProcessFilePath", text(&p.parent.folder)),
                    ("detectionStatus", detection_status(self.remediation).into()),
                ]);
            }
            Entity::File(f) => {
                set.extend(file(f));
                set.push(("detectionStatus", detection_status(self.remediation).into()));
            }
            Entity::User(u) | Entity::Mailbox(u) => set.extend(user(u)),
            Entity::Ip(ip) => set.push(("ipAddress", ip.as_ref().into())),
            Entity::Url(url) => set.push(("url", url.as_ref().into())),
            Entity::Registry { hive, key, data, .. } => set.extend([
                ("registryHive", (*hive).into()),
                ("registryKey", key.as_ref().into()),
                ("registryValueType", "String".into()),
                ("registryValue", data.as_ref().into()),
            ]),
            Entity::Mail(m) => set.push(("userPrincipalName", m.recipient.upn.as_ref().into())),
            Entity::Application { .. } => {}
        }
        set
    }

    fn endpoint(&self) -> Value {
        let mut set = self.common();
        if let Entity::Registry { name, .. } = &self.entity {
            set.push(("registryValueName", name.as_ref().into()));
        }
        sparse(ENDPOINT_EVIDENCE, set)
    }

    /// Members that do not apply are left out, as XDR does.
    fn xdr(&self, device: Option<&Arc<str>>) -> Value {
        let mut set = self.common();
        set.splice(2..2, [("verdict", self.verdict.pascal().into()), ("remediationStatus", self.remediation.pascal().into())]);
        match &self.entity {
            Entity::Mail(m) => set.extend([
                ("sender", m.sender.as_ref().into()),
                ("recipient", m.recipient.upn.as_ref().into()),
                ("subject", m.subject.as_ref().into()),
                ("internetMessageId", m.internet_message_id.as_ref().into()),
                ("deliveryAction", m.delivery_action.into()),
            ]),
            Entity::Mailbox(u) => {
                set.extend([("mailboxDisplayName", u.display.as_ref().into()), ("mailboxAddress", u.upn.as_ref().into())]);
            }
            Entity::Application { id, name } => {
                set.extend([("applicationId", id.to_string().into()), ("applicationName", (*name).into())]);
            }
            Entity::Process(_) | Entity::File(_) | Entity::Registry { .. } => set.push(("deviceId", maybe(&device))),
            _ => {}
        }
        collect(set)
    }

    fn graph(&self, device: Option<&Arc<str>>) -> Value {
        let (kind, roles): (&str, &[&str]) = match &self.entity {
            Entity::Process(_) => ("process", &[]),
            Entity::File(_) => ("file", &[]),
            Entity::User(_) => ("user", if self.verdict == Verdict::Malicious { &["compromised"] } else { &[] }),
            Entity::Ip(_) => ("ip", if self.verdict == Verdict::Malicious { &["commandAndControl"] } else { &[] }),
            Entity::Url(_) => ("url", &[]),
            Entity::Mail(_) => ("analyzedMessage", &[]),
            Entity::Mailbox(_) => ("mailbox", &[]),
            Entity::Registry { .. } => ("registryValue", &[]),
            Entity::Application { .. } => ("cloudApplication", &[]),
        };
        let mut set = graph_base(kind, self.created, self.verdict, self.remediation, roles);
        let status = Value::from(detection_status(self.remediation).to_lowercase());
        match &self.entity {
            Entity::Process(p) => set.extend([
                ("processId", p.pid.into()),
                ("parentProcessId", p.parent_pid.into()),
                ("processCommandLine", p.command_line.as_ref().into()),
                ("processCreationDateTime", time(p.created)),
                ("parentProcessCreationDateTime", time(p.parent_created)),
                ("detectionStatus", status),
                ("mdeDeviceId", maybe(&device)),
                ("imageFile", graph_file(&p.file)),
                ("parentProcessImageFile", graph_file(&p.parent)),
                ("userAccount", graph_account(&p.user)),
            ]),
            Entity::File(f) => set.extend([("detectionStatus", status), ("mdeDeviceId", maybe(&device)), ("fileDetails", graph_file(f))]),
            Entity::User(u) => set.extend([("stream", Value::Null), ("userAccount", graph_account(u))]),
            Entity::Ip(ip) => set.extend([
                ("ipAddress", ip.as_ref().into()),
                ("countryLetterCode", Value::Null),
                ("stream", Value::Null),
                ("location", Value::Null),
            ]),
            Entity::Url(url) => set.push(("url", url.as_ref().into())),
            Entity::Mailbox(u) => set.extend([
                ("primaryAddress", u.upn.as_ref().into()),
                ("displayName", u.display.as_ref().into()),
                ("upn", u.upn.as_ref().into()),
                ("userAccount", graph_account(u)),
            ]),
            Entity::Registry { hive, key, name, data } => set.extend([
                ("registryKey", key.as_ref().into()),
                ("registryHive", (*hive).into()),
                ("registryValue", data.as_ref().into()),
                ("registryValueName", name.as_ref().into()),
                ("registryValueType", "String".into()),
                ("mdeDeviceId", maybe(&device)),
            ]),
            Entity::Application { id, name } => set.extend([
                ("appId", (*id).into()),
                ("displayName", (*name).into()),
                ("instanceId", Value::Int(0)),
                ("instanceName", (*name).into()),
                ("saasAppId", (*id).into()),
                ("stream", Value::Null),
            ]),
            Entity::Mail(m) => set.extend(graph_mail(m)),
        }
        collect(set)
    }
}

fn graph_base<'a>(kind: &str, created: i64, verdict: Verdict, remediation: Remediation, roles: &[&str]) -> Vec<(&'a str, Value)> {
    vec![
        ("@odata.type", format!("#microsoft.graph.security.{kind}Evidence").into()),
        ("createdDateTime", time(created)),
        ("verdict", verdict.camel().into()),
        ("remediationStatus", remediation.camel().into()),
        ("remediationStatusDetails", Value::Null),
        ("roles", texts(roles)),
        ("detailedRoles", Value::Array(Vec::new())),
        ("tags", Value::Array(Vec::new())),
    ]
}

fn graph_file(f: &FileFacts) -> Value {
    object([
        ("sha1", text(&f.sha1)),
        ("sha256", text(&f.sha256)),
        ("md5", text(&f.md5)),
        ("sha256Ac", Value::Null),
        ("fileName", text(&f.name)),
        ("filePath", text(&f.folder)),
        ("fileSize", f.size.into()),
        ("filePublisher", text(&f.publisher)),
        ("signer", Value::Null),
        ("issuer", Value::Null),
    ])
}

fn graph_account(u: &UserFacts) -> Value {
    object([
        ("accountName", text(&u.account)),
        ("activeDirectoryObjectGuid", Value::Null),
        ("domainName", text(&u.domain)),
        ("userSid", text(&u.sid)),
        ("azureAdUserId", text(&u.id)),
        ("userPrincipalName", text(&u.upn)),
        ("displayName", text(&u.display)),
        ("tenantId", Value::Null),
        ("resourceAccessEvents", Value::Array(Vec::new())),
    ])
}

fn graph_mail(m: &MailFacts) -> Vec<(&'static str, Value)> {
    let sender = || {
        object([
            ("emailAddress", m.sender.as_ref().into()),
            ("displayName", text(&m.sender_name)),
            ("domainName", m.sender.rsplit('@').next().into()),
        ])
    };
    vec![
        ("networkMessageId", m.network_message_id.as_ref().into()),
        ("internetMessageId", m.internet_message_id.as_ref().into()),
        ("subject", m.subject.as_ref().into()),
        ("language", "en".into()),
        ("senderIp", m.sender_ip.as_ref().into()),
        ("recipientEmailAddress", m.recipient.upn.as_ref().into()),
        ("antiSpamDirection", "Inbound".into()),
        ("deliveryAction", m.delivery_action.into()),
        ("deliveryLocation", m.delivery_location.into()),
        ("urn", format!("urn:MailEntity:{}", m.network_message_id).into()),
        ("threats", if m.threats.is_empty() { Value::Array(Vec::new()) } else { texts(&[m.threats]) }),
        ("threatDetectionMethods", Value::Array(Vec::new())),
        ("urls", texts(&m.urls)),
        ("urlCount", Value::Int(m.urls.len() as i64)),
        ("attachmentsCount", m.attachments.into()),
        ("receivedDateTime", time(m.received)),
        ("p1Sender", sender()),
        ("p2Sender", sender()),
    ]
}

fn or_unset(value: Option<&'static str>, unset: &str) -> Value {
    value.unwrap_or(unset).into()
}

impl Alert {
    /// The machines of this alert, the main one first.
    fn devices<'m>(&self, machines: &'m [Machine]) -> impl Iterator<Item = &'m Machine> {
        self.machines.iter().filter_map(|id| machines.iter().find(|m| &m.id == id))
    }

    fn actor(&self) -> Value {
        text(if self.threat_family == super::ACTOR_TOOL { super::ACTOR } else { "" })
    }

    /// The Endpoint service's `Alert`. It sends the evidence only when asked to expand it, and an empty list otherwise.
    pub fn endpoint(&self, expand_evidence: bool) -> Value {
        let related = self
            .user
            .as_ref()
            .map_or(Value::Null, |u| object([("userName", u.account.as_ref().into()), ("domainName", u.domain.as_ref().into())]));
        let domains = self.evidence.iter().filter_map(|e| match &e.entity {
            Entity::Url(url) => url.split('/').nth(2).map(|host| object([("host", host.into())])),
            _ => None,
        });
        let evidence = if expand_evidence { self.evidence.iter().map(Evidence::endpoint).collect() } else { Vec::new() };
        object([
            ("id", self.id.as_ref().into()),
            ("incidentId", self.incident_id.into()),
            ("investigationId", self.investigation_id.into()),
            ("assignedTo", maybe(&self.assigned_to)),
            ("severity", self.severity.pascal().into()),
            ("status", self.status.pascal().into()),
            ("classification", self.classification.map(Classification::pascal).into()),
            ("determination", self.determination.map(Determination::pascal).into()),
            ("investigationState", self.investigation_state.pascal().into()),
            ("detectionSource", self.detection.pascal().into()),
            ("detectorId", self.detector_id.as_ref().into()),
            ("category", self.category.into()),
            ("threatFamilyName", text(self.threat_family)),
            ("title", self.title.as_ref().into()),
            ("description", self.description.as_ref().into()),
            ("alertCreationTime", time(self.created)),
            ("firstEventTime", time(self.first_event)),
            ("lastEventTime", time(self.last_event)),
            ("lastUpdateTime", time(self.last_update)),
            ("resolvedTime", moment(self.resolved)),
            ("machineId", maybe(&self.machines.first())),
            ("computerDnsName", maybe(&self.machine_name)),
            ("rbacGroupName", self.machine_group.into()),
            ("aadTenantId", self.tenant_id.as_ref().into()),
            ("relatedUser", related),
            ("threatName", text(self.threat_name)),
            ("mitreTechniques", texts(self.techniques)),
            ("loggedOnUsers", accounts(&self.logged_on)),
            ("comments", comments(&self.comments, "createdBy", "createdTime")),
            ("evidence", Value::Array(evidence)),
            ("domains", Value::Array(domains.collect())),
        ])
    }

    /// The alert inside an XDR incident, with its devices and entities.
    pub fn xdr(&self, machines: &[Machine]) -> Value {
        object([
            ("alertId", self.id.as_ref().into()),
            ("providerAlertId", self.provider_id.as_ref().into()),
            ("incidentId", self.incident_id.into()),
            ("serviceSource", self.service.pascal().into()),
            ("creationTime", time(self.created)),
            ("lastUpdatedTime", time(self.last_update)),
            ("resolvedTime", moment(self.resolved)),
            ("firstActivity", time(self.first_event)),
            ("lastActivity", time(self.last_event)),
            ("title", self.title.as_ref().into()),
            ("description", self.description.as_ref().into()),
            ("category", self.category.into()),
            ("status", self.status.pascal().into()),
            ("severity", self.severity.pascal().into()),
            ("investigationId", self.investigation_id.into()),
            ("investigationState", self.investigation_state.pascal().into()),
            ("classification", self.classification.map(Classification::pascal).into()),
            ("determination", self.determination.map(Determination::pascal).into()),
            ("detectionSource", self.detection.pascal().into()),
            ("detectorId", self.detector_id.as_ref().into()),
            ("assignedTo", maybe(&self.assigned_to)),
            ("actorName", self.actor()),
            ("threatFamilyName", text(self.threat_family)),
            ("mitreTechniques", texts(self.techniques)),
            ("devices", Value::Array(self.devices(machines).map(Machine::xdr).collect())),
            ("entities", Value::Array(self.evidence.iter().map(|e| e.xdr(self.machines.first())).collect())),
        ])
    }

    /// Graph's alert (`alerts_v2`), with typed evidence: the devices first.
    pub fn graph(&self, machines: &[Machine]) -> Value {
        let portal = |kind: &str, id: &str| format!("https://security.microsoft.com/{kind}/{id}?tid={}", self.tenant_id);
        let devices = self.devices(machines).map(|m| m.graph_evidence(self.created));
        let evidence = devices.chain(self.evidence.iter().map(|e| e.graph(self.machines.first()))).collect();
        object([
            ("id", self.id.as_ref().into()),
            ("providerAlertId", self.provider_id.as_ref().into()),
            ("incidentId", self.incident_id.to_string().into()),
            ("status", self.status.camel().into()),
            ("severity", self.severity.camel().into()),
            ("classification", or_unset(self.classification.map(Classification::camel), "unknown")),
            ("determination", or_unset(self.determination.map(Determination::camel), "unknown")),
            ("serviceSource", self.service.camel().into()),
            ("detectionSource", self.detection.camel().into()),
            ("productName", self.service.words().into()),
            ("detectorId", self.detector_id.as_ref().into()),
            ("tenantId", self.tenant_id.as_ref().into()),
            ("title", self.title.as_ref().into()),
            ("description", self.description.as_ref().into()),
            ("recommendedActions", self.recommended.as_ref().into()),
            ("category", self.category.into()),
            ("categories", texts(&[self.category])),
            ("assignedTo", maybe(&self.assigned_to)),
            ("alertWebUrl", portal("alerts", &self.id).into()),
            ("incidentWebUrl", portal("incidents", &self.incident_id.to_string()).into()),
            ("alertPolicyId", Value::Null),
            ("actorDisplayName", self.actor()),
            ("threatDisplayName", text(self.threat_name)),
            ("threatFamilyName", text(self.threat_family)),
            ("mitreTechniques", texts(self.techniques)),
            ("createdDateTime", time(self.created)),
            ("lastUpdateDateTime", time(self.last_update)),
            ("resolvedDateTime", moment(self.resolved)),
            ("firstActivityDateTime", time(self.first_event)),
            ("lastActivityDateTime", time(self.last_event)),
            ("investigationState", self.investigation_state.camel().into()),
            ("systemTags", Value::Array(Vec::new())),
            ("additionalData", Value::Null),
            ("customDetails", Value::Null),
            ("comments", comments(&self.comments, "createdByDisplayName", "createdDateTime")),
            ("evidence", Value::Array(evidence)),
        ])
    }
}

fn comments(comments: &[Comment], by: &str, at: &str) -> Value {
    let one = |c: &Comment| object([("comment", c.text.as_str().into()), (by, c.by.as_str().into()), (at, time(c.at))]);
    Value::Array(comments.iter().map(one).collect())
}

impl Incident {
    fn url(&self) -> String {
        format!("https://security.microsoft.com/incidents/{}?tid={}", self.id, self.tenant_id)
    }

    /// Defender XDR's `Incident`, with those of the given alerts that are its own.
    pub fn xdr(&self, alerts: &[&Alert], machines: &[Machine]) -> Value {
        object([
            ("incidentId", self.id.into()),
            ("incidentUri", self.url().into()),
            ("redirectIncidentId", self.redirect_to.into()),
            ("incidentName", self.name.as_ref().into()),
            ("createdTime", time(self.created)),
            ("lastUpdateTime", time(self.last_update)),
            ("assignedTo", maybe(&self.assigned_to)),
            ("classification", or_unset(self.classification.map(Classification::pascal), "Unknown")),
            ("determination", or_unset(self.determination.map(Determination::pascal), "NotAvailable")),
            ("status", self.status.pascal().into()),
            ("severity", self.severity.pascal().into()),
            ("tags", texts(&self.tags)),
            ("comments", comments(&self.comments, "createdBy", "createdTime")),
            ("alerts", Value::Array(self.own(alerts).map(|a| a.xdr(machines)).collect())),
        ])
    }

    /// Graph's incident; with those of the given alerts that are its own, if there are any given: `$expand=alerts`.
    pub fn graph(&self, alerts: Option<&[&Alert]>, machines: &[Machine]) -> Value {
        let mut members = vec![
            ("id", self.id.to_string().into()),
            ("tenantId", self.tenant_id.as_ref().into()),
            ("status", self.status.camel().into()),
            ("incidentWebUrl", self.url().into()),
            ("redirectIncidentId", self.redirect_to.map(|id| id.to_string()).into()),
            ("displayName", self.name.as_ref().into()),
            ("createdDateTime", time(self.created)),
            ("lastUpdateDateTime", time(self.last_update)),
            ("assignedTo", maybe(&self.assigned_to)),
            ("classification", or_unset(self.classification.map(Classification::camel), "unknown")),
            ("determination", or_unset(self.determination.map(Determination::camel), "unknown")),
            ("severity", self.severity.camel().into()),
            ("customTags", texts(&self.tags)),
            ("systemTags", texts(&self.system_tags)),
            ("description", self.description.as_ref().into()),
            ("lastModifiedBy", maybe(&self.last_modified_by)),
            ("resolvingComment", maybe(&self.resolving_comment)),
            ("summary", Value::Null),
            ("priorityScore", Value::Null),
            ("comments", comments(&self.comments, "createdByDisplayName", "createdDateTime")),
        ];
        if let Some(alerts) = alerts {
            members.push(("alerts", Value::Array(self.own(alerts).map(|a| a.graph(machines)).collect())));
        }
        collect(members)
    }

    fn own<'a>(&self, alerts: &[&'a Alert]) -> impl Iterator<Item = &'a Alert> {
        let own: Vec<_> = alerts.iter().copied().filter(|a| a.incident_id == self.id).collect();
        own.into_iter()
    }
}
