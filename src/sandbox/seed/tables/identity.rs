//! People, their sign-ins, and what they do in the directory and in the cloud.

use super::Store;
use crate::json::{self, object};
use crate::kql::value::{Table, Value};
use crate::sandbox::seed::TENANT_ID;
use crate::sandbox::seed::events::{DirectoryEvent, SignIn};
use crate::sandbox::seed::random::{DAY, HOUR, Random};
use crate::sandbox::seed::schema::{Shape, Sheet};
use crate::sandbox::seed::world::midnight;
use crate::sandbox::seed::{AD_DOMAIN, NETBIOS};
use std::sync::Arc;

fn text(value: impl Into<Arc<str>>) -> Value {
    Value::String(value.into())
}

fn dynamic(value: json::Value) -> Value {
    Value::Dynamic(Arc::new(value))
}

/// GUIDs for the rows of a table.
fn ids(store: &Store, shape: &Shape, rows: usize) -> Vec<Arc<str>> {
    let mut random = Random::new(store.world.seed, &shape.0);
    (0..rows).map(|_| random.guid()).collect()
}

/// The columns about an account.
fn account<'r, R>(sheet: &mut Sheet<'r, R>, user: impl Fn(&'r R) -> &'r crate::sandbox::seed::entities::UserFacts) {
    sheet.text("AccountUpn", |r| &user(r).upn).text("AccountObjectId", |r| &user(r).id).text("AccountDisplayName", |r| &user(r).display);
    if sheet.has("AccountSid") {
        sheet.text("AccountName", |r| &user(r).account).text("AccountDomain", |r| &user(r).domain).text("AccountSid", |r| &user(r).sid);
    }
}

fn device_name(sign_in: &SignIn) -> Value {
    sign_in.device.as_ref().map_or_else(|| text(""), |m| Value::String(m.name.clone()))
}

pub(super) fn logons(store: &Store, shape: &Shape) -> Table {
    let rows = store.sign_ins();
    let mut sheet = Sheet::new(shape, rows);
    let mut ids = ids(store, shape, rows.len()).into_iter();
    let empty = text("");
    let controller = store.world.host("lark-dc-01").map(|(m, _)| m);
    let target = |s: &SignIn, value: fn(&crate::sandbox::seed::entities::Machine) -> &Arc<str>| match controller {
        Some(machine) if !s.cloud => Value::String(value(machine).clone()),
        _ => empty.clone(),
    };
    account(&mut sheet, |s| &s.user);
    sheet
        .time("Timestamp", |s| s.at)
        .word("ActionType", |s| if s.failure.is_empty() { "LogonSuccess" } else { "LogonFailed" })
        .word("Application", |s| s.application)
        .word("LogonType", |s| if s.cloud { "OAuth2:Authorize" } else { "Credentials validation" })
        .word("Protocol", |s| if s.cloud { "OAuth2" } else { "Kerberos" })
        .word("FailureReason", |s| s.failure)
        .put("DeviceName", device_name)
        .word("DeviceType", |s| if s.device.is_some() { "Desktop" } else { "" })
        .word("OSPlatform", |s| s.device.as_ref().map_or("", |m| m.os.platform))
        .text("IPAddress", |s| &s.ip)
        .put("DestinationDeviceName", |s| target(s, |m| &m.name))
        .put("DestinationIPAddress", |s| target(s, |m| &m.ip))
        .put("DestinationPort", |s| if s.cloud { Value::Null } else { Value::Int(88) })
        .word("Location", |s| s.country)
        .put("ReportId", |_| Value::String(ids.next().unwrap_or_default()))
        .put("AdditionalFields", |s| {
            let attacker = if s.risk == 100 {
                object([("Spns", json::Value::Null), ("IsNewLocation", true.into())])
            } else {
                object([("Spns", "".into())])
            };
            if s.cloud { dynamic(attacker) } else { Value::Null }
        });
    sheet.finish()
}

/// `EntraIdSignInEvents`, and `AADSignInEventsBeta`, which was its name before.
pub(super) fn entra(store: &Store, shape: &Shape) -> Table {
    let rows: Vec<SignIn> = store.sign_ins().iter().filter(|s| s.cloud).cloned().collect();
    let mut sheet = Sheet::new(shape, &rows);
    // The same ids in both tables.
    let mut random = Random::new(store.world.seed, "entra");
    let ids: Vec<[Arc<str>; 3]> = rows.iter().map(|_| [random.guid(), random.guid(), random.guid()]).collect();
    let column = |n: usize| {
        let mut ids = ids.iter();
        move |_: &SignIn| Value::String(ids.next().and_then(|row| row.get(n)).cloned().unwrap_or_default())
    };
    account(&mut sheet, |s| &s.user);
    let managed = |s: &SignIn| Value::Int(i32::from(s.device.is_some()));
    let id = |s: &SignIn| s.device.as_ref().and_then(|m| m.aad_device_id.clone()).map_or_else(|| text(""), Value::String);
    if sheet.has("AadDeviceId") {
        sheet.put("AadDeviceId", id);
    }
    sheet
        .time("Timestamp", |s| s.at)
        .word("Application", |s| s.application)
        .word("ApplicationId", |s| {
            if s.application.contains("Teams") { "1fec8e78-bce4-4aaf-ab1b-5451cc387264" } else { "00000002-0000-0ff1-ce00-000000000000" }
        })
        .same("LogonType", text(r#"["interactiveUser"]"#))
        .int("ErrorCode", |s| match s.failure {
            "" => 0,
            "Invalid username or password" => 50126,
            _ => 50074,
        })
        .put("CorrelationId", column(0))
        .put("SessionId", column(1))
        .put("RequestId", column(2))
        .put("ReportId", column(2))
        .int("IsExternalUser", |_| 0)
        .flag("IsGuestUser", |_| false)
        .same("ResourceTenantId", text(TENANT_ID))
        .word("ResourceDisplayName", |s| s.application)
        .put("DeviceName", device_name)
        .put("EntraIdDeviceId", id)
        .word("OSPlatform", |s| s.device.as_ref().map_or("", |m| m.os.platform))
        .word("DeviceTrustType", |s| if s.device.is_some() { "Hybrid Azure AD joined" } else { "" })
        .put("IsManaged", managed)
        .put("IsCompliant", managed)
        .word("AuthenticationRequirement", |s| if s.risk > 0 { "multiFactorAuthentication" } else { "singleFactorAuthentication" })
        .int("RiskLevelAggregated", |s| s.risk)
        .put("RiskState", |s| if s.risk == 100 { Value::Int(4) } else { Value::Null })
        .word("ClientAppUsed", |s| if s.device.is_some() { "Mobile Apps and Desktop clients" } else { "Browser" })
        .word("UserAgent", |s| if s.device.is_some() { "" } else { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36" })
        .int("ConditionalAccessStatus", |s| i64::from(!s.failure.is_empty()))
        .text("IPAddress", |s| &s.ip)
        .word("Country", |s| s.country)
        .word("City", |s| s.city);
    sheet.finish()
}

pub(super) fn people(store: &Store, shape: &Shape) -> Table {
    let users = if store.world.bare { &[] } else { store.world.users.as_slice() };
    let at = midnight(store.world.now) - HOUR;
    let mut sheet = Sheet::new(shape, users);
    let mut ids = ids(store, shape, users.len()).into_iter();
    sheet
        .time("Timestamp", |_| at)
        .put("ReportId", |_| Value::String(ids.next().unwrap_or_default()))
        .text("AccountObjectId", |u| &u.id)
        .text("AccountUpn", |u| &u.upn)
        .text("OnPremSid", |u| &u.sid)
        .text("CloudSid", |u| &u.cloud_sid)
        .text("AccountDisplayName", |u| &u.display)
        .text("AccountName", |u| &u.account)
        .same("AccountDomain", text(AD_DOMAIN))
        .put("CriticalityLevel", |u| if u.privileged { Value::Int(1) } else { Value::Null })
        .word("Type", |u| if u.account.starts_with("svc_") { "ServiceAccount" } else { "User" })
        .put("DistinguishedName", |u| {
            text(format!("CN={},OU={},DC=corp,DC={NETBIOS},DC=example", u.display.replace(',', "\\,"), u.department))
        })
        .text("GivenName", |u| &u.given)
        .text("Surname", |u| &u.surname)
        .word("Department", |u| u.department)
        .word("JobTitle", |u| u.title)
        .text("EmailAddress", |u| &u.upn)
        .word("City", |u| u.city)
        .word("Country", |u| u.country)
        .flag("IsAccountEnabled", |u| u.enabled)
        .put("Manager", |u| u.manager.and_then(|m| users.get(m)).map_or_else(|| text(""), |m| Value::String(m.display.clone())))
        .time("CreatedDateTime", |u| u.created)
        .word("BlastRadius", |u| if u.privileged { "High" } else { "Low" })
        .same("CompanyName", text(crate::sandbox::seed::TENANT_NAME))
        .word("RiskLevel", |u| if *u.account == *"priya.raghunathan" { "High" } else { "" })
        .word("RiskStatus", |u| if *u.account == *"priya.raghunathan" { "AtRisk" } else { "None" })
        .put("Tags", |u| if u.privileged { dynamic(vec!["Sensitive"].into()) } else { dynamic(Vec::<&str>::new().into()) })
        .put("AssignedRoles", |u| {
            if u.account.starts_with("adm.") { dynamic(vec!["Helpdesk Administrator", "Intune Administrator"].into()) } else { Value::Null }
        })
        .put("GroupMembership", |u| {
            let mut groups = vec![u.department];
            if u.account.starts_with("adm.") {
                groups.push("Domain Admins");
            }
            dynamic(groups.into())
        })
        .put("SourceProviders", |_| dynamic(vec!["ActiveDirectory", "EntraID"].into()))
        .same("TenantId", text(TENANT_ID))
        .same("TenantMembershipType", text("Member"))
        .same("IdentityEnvironment", text("Hybrid"));
    sheet.finish()
}

/// Questions to the domain controllers, or changes in the directory.
pub(super) fn directory(store: &Store, shape: &Shape, questions: bool) -> Table {
    let mut rows: Vec<DirectoryEvent> = store.script.directory.iter().filter(|e| e.query.is_empty() != questions).cloned().collect();
    // Somebody's password changes every other day.
    let mut random = Random::new(store.world.seed, &shape.0);
    for day in 1..store.world.days {
        let at = midnight(store.world.now) - day * DAY + random.range(8 * HOUR, 17 * HOUR);
        let Some((machine, _)) = store.world.host("lark-jump-01") else { continue };
        let (user, target) = (
            store.world.person("adm.marcus"),
            random.pick(&store.world.people.iter().take(store.world.staff).map(|p| p.account.clone()).collect::<Vec<_>>()),
        );
        let (action, query) = if questions {
            ("LDAP query", "EnumerateUsers")
        } else {
            (random.pick(&["Account Password changed", "Group Membership changed", "Account Enabled changed"]), "")
        };
        rows.push(DirectoryEvent { at, user, machine: machine.clone(), action, query, target });
    }
    let rows = super::settle(&store.world, rows, |e| e.at);
    let mut sheet = Sheet::new(shape, &rows);
    let mut ids = ids(store, shape, rows.len()).into_iter();
    account(&mut sheet, |e| &e.user);
    sheet
        .time("Timestamp", |e| e.at)
        .word("ActionType", |e| e.action)
        .same("Application", text("Active Directory"))
        .text("DeviceName", |e| &e.machine.name)
        .text("IPAddress", |e| &e.machine.ip)
        .same("DestinationDeviceName", text(format!("lark-dc-01.{AD_DOMAIN}")))
        .put("ReportId", |_| Value::String(ids.next().unwrap_or_default()));
    if questions {
        sheet
            .word("QueryType", |e| e.query)
            .text("QueryTarget", |e| &e.target)
            .word("Protocol", |e| if e.action == "LDAP query" { "Ldap" } else { "Samr" })
            .put("AdditionalFields", |e| {
                dynamic(object([("COUNT", json::Value::Int(e.target.len() as i64)), ("SourceComputerObjectGuid", json::Value::Null)]))
            });
    } else {
        let name = |e: &DirectoryEvent| store.world.person(&e.target);
        sheet
            .put("TargetAccountUpn", |e| Value::String(name(e).upn.clone()))
            .put("TargetAccountDisplayName", |e| Value::String(name(e).display.clone()))
            .put("AdditionalFields", |e| {
                if e.action.starts_with("Group") { dynamic(object([("TO.GROUP", "Backup Operators".into())])) } else { Value::Null }
            });
    }
    sheet.finish()
}

pub(super) fn cloud(store: &Store, shape: &Shape) -> Table {
    let rows = store.cloud();
    let mut sheet = Sheet::new(shape, rows);
    let mut ids = ids(store, shape, rows.len()).into_iter();
    let rule = || {
        let parameter = |name: &str, value: &str| object([("Name", name.into()), ("Value", value.into())]);
        let parameters = vec![
            parameter("Name", "."),
            parameter("SubjectContainsWords", "invoice;\"payment\";7741"),
            parameter("MoveToFolder", "RSS Feeds"),
            parameter("MarkAsRead", "True"),
        ];
        object([("Operation", "New-InboxRule".into()), ("Parameters", json::Value::Array(parameters)), ("ResultStatus", "True".into())])
    };
    let none = dynamic(Vec::<&str>::new().into());
    sheet
        .time("Timestamp", |c| c.at)
        .word("ActionType", |c| c.action)
        .word("Application", |c| c.application.0)
        .int("ApplicationId", |c| c.application.1)
        .int("AppInstanceId", |_| 0)
        .text("AccountObjectId", |c| &c.user.id)
        .text("AccountId", |c| &c.user.upn)
        .text("AccountDisplayName", |c| &c.user.display)
        .flag("IsAdminOperation", |_| false)
        .same("DeviceType", text("Desktop"))
        .text("IPAddress", |c| &c.ip)
        .put("IsAnonymousProxy", |c| Value::Bool(c.anonymous))
        .word("CountryCode", |c| c.country)
        .word("City", |c| c.city)
        .word("ActivityType", |c| if c.application.0.contains("Exchange") { "Run" } else { "Basic" })
        .text("ObjectName", |c| &c.object)
        .word("ObjectType", |c| if c.application.0.contains("Exchange") { "Folder" } else { "File" })
        .put("ActivityObjects", |c| {
            dynamic(json::Value::Array(vec![object([
                ("Type", "Structured object".into()),
                ("Role", "Target object".into()),
                ("Name", c.object.as_ref().into()),
            ])]))
        })
        .put("ReportId", |_| Value::String(ids.next().unwrap_or_default()))
        .same("AccountType", text("Regular"))
        .flag("IsExternalUser", |_| false)
        .flag("IsImpersonated", |_| false)
        .put("IPTags", |c| if c.anonymous { dynamic(vec!["Anonymous proxy", "Brute force attacker"].into()) } else { none.clone() })
        .word("IPCategory", |c| if c.anonymous { "Risky" } else { "Corporate" })
        .put("RawEventData", |c| {
            if c.action == "New-InboxRule" {
                dynamic(rule())
            } else {
                dynamic(object([
                    ("Operation", c.action.into()),
                    ("UserId", c.user.upn.as_ref().into()),
                    ("ClientIP", c.ip.as_ref().into()),
                    ("ObjectId", c.object.as_ref().into()),
                ]))
            }
        })
        .put("UncommonForUser", |c| if c.anonymous { dynamic(vec!["ISP", "CountryCode", "UserAgent"].into()) } else { none.clone() })
        .same("AuditSource", text("Defender for Cloud Apps app connector"));
    sheet.finish()
}
