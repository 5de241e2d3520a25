//! Which application asks, and whether it proves that it is the one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::wire::{Request, field, unescape};
use super::super::{House, Identity};
use super::assertion;
use super::refused::{Refused, invalid_client, missing, refused};

type Fields = [(String, String)];

/// An application as it presents itself.
pub(super) struct Client {
    pub(super) id: String,
    /// By a secret or an assertion.
    proved: bool,
    confidential: bool,
}

impl Client {
    /// What only an application does that can keep a secret.
    pub(super) fn must_be_proved(&self) -> Result<(), Refused> {
        let words = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        if self.proved { Ok(()) } else { Err(invalid_client(7_000_218, words)) }
    }

    /// What a person's program does: it proves itself if it can.
    pub(super) fn must_be_itself(&self) -> Result<(), Refused> {
        if self.confidential { self.must_be_proved() } else { Ok(()) }
    }

    /// What a person's program does with no browser of its own: it must be allowed to.
    pub(super) fn may_be_public(&self, house: &House) -> Result<(), Refused> {
        if self.proved || (!self.confidential && house.options.public_flows) { Ok(()) } else { self.must_be_proved() }
    }
}

/// Id and secret of a Basic authorization.
fn basic(request: &Request) -> Option<(String, String)> {
    let (scheme, text) = request.header("authorization")?.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(text.trim()).ok())??;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    // RFC 6749 2.3.1: both halves are form-encoded.
    let decode = |s: &str| unescape(&s.replace('+', " "));
    Some((decode(id), decode(secret)))
}

/// The application of that id, whatever it proves.
pub(super) fn named<'h>(house: &'h House, id: &str) -> Result<&'h str, Refused> {
    let Identity { client_id, public_client_id, tenant_name, .. } = &house.identity;
    if let Some(known) = [client_id, public_client_id].into_iter().find(|known| known.eq_ignore_ascii_case(id)) {
        return Ok(known);
    }
    let words = format!(
        "Application with identifier '{id}' was not found in the directory '{tenant_name}'. This can happen if the application has not \
         been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your \
         authentication request to the wrong tenant."
    );
    Err(refused(400, "unauthorized_client", 700_016, words))
}

/// The application of a request to the token service.
pub(super) fn of(house: &House, request: &Request, fields: &Fields) -> Result<Client, Refused> {
    let text = |name: &str| field(fields, name).map(str::to_owned).filter(|v| !v.is_empty());
    let (basic_id, basic_secret) = basic(request).unzip();
    let given = text("client_assertion");
    let id = text("client_id").or(basic_id).or_else(|| given.as_deref().and_then(assertion::subject_of));
    let id = named(house, &id.filter(|id| !id.is_empty()).ok_or_else(|| missing("client_id"))?)?.to_owned();
    let secret = text("client_secret").or(basic_secret.filter(|s| !s.is_empty()));
    if id == house.identity.public_client_id {
        if secret.is_some() || given.is_some() {
            let words = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
            return Err(invalid_client(700_025, words));
        }
        return Ok(Client { id, proved: false, confidential: false });
    }
    let proved = match (secret, given) {
        (Some(secret), _) => right_secret(house, &secret)?,
        (None, Some(given)) => {
            if field(fields, "client_assertion_type") != Some(assertion::TYPE) {
                return Err(missing("client_assertion_type"));
            }
            assertion::check(house, request, &given)?;
            true
        }
        (None, None) => false,
    };
    Ok(Client { id, proved, confidential: true })
}

fn right_secret(house: &House, given: &str) -> Result<bool, Refused> {
    let Identity { client_id, client_secret, .. } = &house.identity;
    if given == client_secret {
        return Ok(true);
    }
    let words = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client \
         secret ID, for a secret added to app '{client_id}'."
    );
    Err(invalid_client(7_000_215, words))
}
