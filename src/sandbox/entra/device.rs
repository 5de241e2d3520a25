//! Device codes: a program shows a code, a person types it in elsewhere, the program asks until that happened.

use crate::json::object;

use super::super::clock::SECOND;
use super::super::wire::{Reply, Request, escape, field, random};
use super::super::{House, jwt};
use super::directory::{Device, State};
use super::issue::Asked;
use super::refused::{Outcome, missing, refused};
use super::token::{Exchange, More, redeemed};
use super::{applications, known_tenant, scope};

/// Seconds that a device code lives.
const CODE_LIVES: i64 = 900;
/// Seconds between two polls.
const INTERVAL: i64 = 1;
/// A poll may come early by this much: clocks and schedulers are not exact.
const SLACK: i64 = SECOND / 20;
/// No letters or digits that people take for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A new code.
pub(super) fn code(house: &House, request: &Request, tenant: &str) -> Outcome {
    known_tenant(house, tenant, true)?;
    let fields = request.form();
    let client = applications::of(house, request, &fields)?.id;
    let text = field(&fields, "scope").filter(|s| !s.is_empty()).ok_or_else(|| missing("scope"))?;
    scope::scope(house, text)?;
    let asked = Asked::read(field(&fields, "claims"))?;
    let now = house.clock.now();
    let user_code: String = random::<9>().iter().filter_map(|b| ALPHABET.get(usize::from(b % 32))).map(|b| char::from(*b)).collect();
    let device_code = jwt::encode(&random::<48>());
    let device = Device {
        user_code: user_code.clone(),
        client,
        scope: text.to_owned(),
        asked,
        expires: now + CODE_LIVES * SECOND,
        last_poll: None,
        polls: 0,
        state: State::Pending,
    };
    let mut directory = house.directory();
    directory.forget_old(now);
    directory.devices.insert(device_code.clone(), device);
    let page = format!("{}/{}/device", request.origin(&house.base), house.identity.tenant_id);
    Ok(object([
        ("user_code", user_code.as_str().into()),
        ("device_code", device_code.into()),
        ("verification_uri", page.as_str().into()),
        ("expires_in", CODE_LIVES.into()),
        ("interval", INTERVAL.into()),
        (
            "message",
            format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate.").into(),
        ),
    ]))
}

/// A poll.
pub(super) fn token(exchange: &Exchange<'_>) -> Outcome {
    let house = exchange.house;
    exchange.client.may_be_public(house)?;
    let given = exchange.text("device_code").or_else(|| exchange.text("code")).ok_or_else(|| missing("device_code"))?;
    let now = house.clock.now();
    let (scope, asked, user) = {
        let mut directory = house.directory();
        let Some(device) = directory.devices.get_mut(given).filter(|d| d.client == exchange.client.id) else {
            let words = "The verification code provided is invalid: no such device code was given to this application.";
            return Err(refused(400, "bad_verification_code", 70_019, words));
        };
        let early = device.last_poll.is_some_and(|last| now - last < INTERVAL * SECOND - SLACK);
        device.last_poll = Some(now);
        if early && matches!(device.state, State::Pending) {
            let words = "OAuth 2.0 device flow error. The polling frequency is too high: wait for the interval between two polls.";
            return Err(refused(400, "slow_down", 70_016, words));
        }
        if device.expires <= now {
            let words = "The device code has expired: the person did not sign in within the time given. Ask for a new one.";
            return Err(refused(400, "expired_token", 70_020, words));
        }
        device.polls += 1;
        if house.options.auto_approve && device.polls > 1 && matches!(device.state, State::Pending) {
            device.state = State::Approved(house.identity.user.clone());
        }
        match &device.state {
            State::Pending => {
                let words = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
                return Err(refused(400, "authorization_pending", 70_016, words));
            }
            State::Denied => return Err(refused(400, "authorization_declined", 70_018, "The person declined to sign in.")),
            State::Redeemed => return Err(redeemed()),
            State::Approved(user) => {
                let found = (device.scope.clone(), device.asked.clone(), user.clone());
                device.state = State::Redeemed;
                found
            }
        }
    };
    let scope = scope::scope(house, &scope)?;
    exchange.for_user(&user, &scope, &More { asked, ..More::default() })
}

/// The people whom a page lets choose from.
pub(super) fn people(house: &House, chosen: &str) -> String {
    let option = |(upn, name): &(String, String)| {
        let selected = if upn.eq_ignore_ascii_case(chosen) { " selected" } else { "" };
        format!("<option value=\"{0}\"{selected}>{1} ({0})</option>", escape(upn), escape(name))
    };
    house.people().iter().map(option).collect()
}

/// The page on which a person answers a device code.
pub(super) fn page(house: &House, request: &Request) -> Reply {
    let title = "Sign in to the sandbox";
    if request.method == http::Method::POST {
        return answered(house, request, title);
    }
    if request.method != http::Method::GET {
        return Reply::empty(405).header("Allow", "GET, POST");
    }
    let fields = request.fields();
    let code = field(&fields, "user_code").or_else(|| field(&fields, "otc")).unwrap_or_default();
    let form = format!(
        "<p>A program asks to act for you in the made-up company <b>{company}</b>. Nothing here is real.</p>\
         <form method=\"post\" action=\"?\"><p><label>Code<br><input name=\"user_code\" value=\"{code}\" autocomplete=\"off\" required></label></p>\
         <p><label>Person<br><select name=\"user\">{options}</select></label></p>\
         <p><button name=\"answer\" value=\"approve\">Approve</button> <button name=\"answer\" value=\"deny\">Decline</button></p></form>",
        company = escape(&house.identity.tenant_name),
        code = escape(code),
        options = people(house, &house.identity.user),
    );
    Reply::html(200, title, &form)
}

fn answered(house: &House, request: &Request, title: &str) -> Reply {
    if request.is_cross_origin(&house.base) {
        return Reply::html(403, title, "<p>This answer came from another page.</p>");
    }
    let fields = request.form();
    let code = field(&fields, "user_code").unwrap_or_default();
    let user = field(&fields, "user").filter(|u| !u.is_empty());
    let approved = field(&fields, "answer") == Some("approve");
    let done = if approved { house.approve(code, user) } else { house.deny(code) };
    match (done, approved) {
        (true, true) => Reply::html(200, title, "<p>You are signed in. You can close this page and go back to the program.</p>"),
        (true, false) => Reply::html(200, title, "<p>You declined. The program was told so.</p>"),
        _ => Reply::html(400, title, "<p>There is no such code, it has expired, or it was answered already.</p>"),
    }
}
