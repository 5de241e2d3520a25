//! Who the client is: what its tokens say, what they allow, which user is signed in, and the same for another tenant.

use super::{Client, Parts};
use crate::{
    auth::{Account, Claims, SignedIn},
    error::{Error, Kind, Result, did_you_mean},
    ops::{
        self,
        model::{Operation, Service},
    },
    permissions,
};
use std::{collections::BTreeSet, time::UNIX_EPOCH};

/// Who a token says that we are.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The token's claims, if it can be read.
    pub claims: Option<Claims>,
    /// The audience that was asked for.
    pub audience: String,
    /// The kind of credential.
    pub credential: &'static str,
    /// When the token expires, seconds since 1970.
    pub expires_on: i64,
}

impl Client {
    /// Signs in for a service and reads what the token says.
    pub async fn whoami(&self, service: Service) -> Result<Identity> {
        let token = self.token(service).await?;
        let expires_on = token.expires_on.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        Ok(Identity {
            claims: token.claims.clone(),
            audience: self.pipeline().audience(service).to_owned(),
            credential: self.shared.parts.tokens.credential().kind(),
            expires_on,
        })
    }

    /// Fails unless the tokens carry what is named: permissions such as `Machine.Isolate`, operations such as `machines.isolate`, or helpers such
    /// as `indicators.sync`, which need what all their operations need. Each service is signed in to that knows the permission; a token that cannot be read proves nothing and refuses nothing.
    pub async fn require(&self, names: &[String]) -> Result<()> {
        let needs = names.iter().map(|name| Need::of(name)).collect::<Result<Vec<_>>>()?;
        let mut missing: Vec<Lack> = Vec::new();
        for need in needs.iter().flatten() {
            if let Some(lack) = self.lacks(need).await? {
                missing.push(lack);
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(self.denied(&missing)) }
    }

    /// What is missing for a need, after a look at each service where it can be met.
    async fn lacks(&self, need: &Need) -> Result<Option<Lack>> {
        let mut lack = None;
        for (service, app, delegated) in &need.at {
            let token = self.token(*service).await?;
            let Some(claims) = &token.claims else { return Ok(None) };
            let wanted = if claims.delegated { delegated } else { app };
            if wanted.iter().any(|w| claims.permissions.iter().any(|held| covers(held, w))) {
                return Ok(None);
            }
            let found = Lack { need: need.name.clone(), service: *service, wanted: wanted.clone(), claims: claims.clone() };
            lack = lack.or(Some(found));
        }
        Ok(lack)
    }

    fn denied(&self, missing: &[Lack]) -> Error {
        let lines = missing.iter().map(|lack| {
            let context = if lack.claims.delegated { "delegated" } else { "application" };
            let held = if lack.claims.permissions.is_empty() { "none".to_owned() } else { lack.claims.permissions.join(", ") };
            let wanted = if lack.wanted.is_empty() {
                format!("nothing that a token in {context} context can carry")
            } else {
                lack.wanted.join(" or ")
            };
            format!("{}: needs the {context} permission {wanted} on {}; the token carries {held}", lack.need, lack.service.app_name())
        });
        let message = format!("permissions are missing\n  {}", lines.collect::<Vec<_>>().join("\n  "));
        let mut names: Vec<String> = Vec::new();
        for name in missing.iter().flat_map(|l| &l.wanted) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let error = Error::new(Kind::PermissionDenied, message).detail("missing", names);
        match self.admin_consent_url() {
            Some(url) => error
                .hint(format!("add them under API permissions of the app registration, then an administrator consents at {url}"))
                .detail("admin_consent_url", url),
            None => error.hint("add them under API permissions of the app registration, and grant admin consent"),
        }
    }

    /// The page on which an administrator consents to what the application asks for.
    pub fn admin_consent_url(&self) -> Option<String> {
        let (tenant, client_id) = (self.tenant_id()?, self.client_id()?);
        let host = self.shared.parts.cloud.authority;
        Some(format!("{host}/{tenant}/adminconsent?client_id={}", crate::request::encode(&client_id)))
    }

    /// Who is signed in; nobody in application context.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.check_open()?;
        match self.user() {
            Some(user) => self.until_closed(user.accounts()).await?,
            None => Ok(Vec::new()),
        }
    }

    /// Forgets a user, by name or home account id, or everybody, and every token. Gives how many there were.
    pub async fn sign_out(&self, account: Option<&str>) -> Result<usize> {
        self.check_open()?;
        let forgotten = match self.user() {
            Some(user) => self.until_closed(user.sign_out(account)).await??,
            None => 0,
        };
        if account.is_none() || forgotten > 0 {
            self.shared.parts.tokens.forget();
        }
        Ok(forgotten)
    }

    fn user(&self) -> Option<&dyn SignedIn> {
        self.shared.parts.tokens.credential().user()
    }

    /// The same credential in another tenant that it is allowed to sign in to: connections are shared, tokens and throttling are not.
    pub fn for_tenant(&self, tenant_id: &str) -> Result<Client> {
        self.check_open()?;
        let parts = &self.shared.parts;
        parts.tokens.check_tenant(tenant_id)?;
        let own = parts.tokens.credential().tenant().is_some_and(|own| own.eq_ignore_ascii_case(tenant_id));
        let client = Client::from_parts(Parts { tenant: (!own).then(|| tenant_id.to_ascii_lowercase()), ..parts.clone() })?;
        Ok(Client { options: self.options, ..client })
    }
}

/// One thing that a script needs, and where that can be had.
struct Need {
    name: String,
    /// Service, application permissions, delegated permissions: one of them is enough.
    at: Vec<(Service, Vec<String>, Vec<String>)>,
}

struct Lack {
    need: String,
    service: Service,
    wanted: Vec<String>,
    claims: Claims,
}

impl Need {
    /// What a name stands for: each of these is needed.
    fn of(name: &str) -> Result<Vec<Need>> {
        if name == "hunt" {
            // Any of the three services will do.
            let at = ["graph.hunting.run", "hunting.run_xdr", "hunting.run_endpoint"].into_iter().filter_map(ops::by_id).map(place);
            return Ok(vec![Need { name: name.to_owned(), at: at.collect() }]);
        }
        if let Ok(found) = permissions::behind(name) {
            let title = |op: &Operation| if op.id == name { name.to_owned() } else { format!("{name} ({})", op.id) };
            return Ok(found.into_iter().map(|op| Need { name: title(op), at: vec![place(op)] }).collect());
        }
        let knows = |service: Service| {
            let mut ops = ops::all().filter(|op| op.service == service);
            ops.any(|op| op.app_permissions.contains(&name) || op.delegated_permissions.contains(&name))
        };
        let at: Vec<_> =
            Service::ALL.into_iter().filter(|s| knows(*s)).map(|s| (s, vec![name.to_owned()], vec![name.to_owned()])).collect();
        if at.is_empty() {
            let known: BTreeSet<&str> =
                ops::all().flat_map(|op| op.app_permissions.iter().chain(op.delegated_permissions)).copied().collect();
            let guess = did_you_mean(name, known.into_iter().chain(permissions::names()));
            let message = format!("{name:?} is no permission, no operation and no helper.{guess}");
            return Err(Error::argument("permissions", message));
        }
        Ok(vec![Need { name: name.to_owned(), at }])
    }
}

/// Where an operation can be had, and for what.
fn place(op: &'static Operation) -> (Service, Vec<String>, Vec<String>) {
    let texts = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    (op.service, texts(op.app_permissions), texts(op.delegated_permissions))
}

/// Whether a permission that is held is the wanted one, or its greater sister: who may write may read.
fn covers(held: &str, wanted: &str) -> bool {
    held == wanted
        || wanted.split_once(".Read").is_some_and(|(what, rest)| !rest.starts_with("Write") && held == format!("{what}.ReadWrite{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_may_read_and_not_the_other_way_round() {
        assert!(covers("Machine.ReadWrite.All", "Machine.Read.All"));
        assert!(covers("Incident.ReadWrite", "Incident.Read"));
        assert!(!covers("Machine.Read.All", "Machine.ReadWrite.All"));
        assert!(!covers("Machine.ReadWrite.All", "Machine.Isolate"));
        assert!(!covers("Alert.ReadWrite.All", "Machine.Read.All"));
    }

    #[test]
    fn a_need_is_a_permission_an_operation_or_a_helper_and_a_slip_is_told() {
        let places = |name: &str| Need::of(name).unwrap().iter().map(|n| n.at.iter().map(|a| a.0).collect::<Vec<_>>()).collect::<Vec<_>>();
        assert_eq!(places("machines.isolate"), [[Service::Endpoint]]);
        assert_eq!(places("Machine.Isolate"), [[Service::Endpoint]]);
        assert_eq!(places("hunt"), [[Service::Graph, Service::Xdr, Service::Endpoint]]);
        assert_eq!(places("indicators.sync").len(), 3);
        assert!(Need::of("indicators.synk").err().unwrap().to_string().contains("Did you mean \"indicators.sync\"?"));
        assert!(Need::of("Machine.Isolat").err().unwrap().to_string().contains("Did you mean \"Machine.Isolate\"?"));
    }
}
