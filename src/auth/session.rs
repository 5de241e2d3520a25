//! What a sign-in leaves behind: in memory, and in the store if there is one.

use super::{
    Account, PublicClient, claims,
    entra::Granted,
    store::{Found, Locked, Saved, Store},
};
use crate::{json::Value, secret::Secret};
use std::collections::HashSet;

/// One person's sign-in.
#[derive(Debug, Default)]
pub(super) struct Session {
    refresh_token: Option<Secret>,
    account: Option<Account>,
    on_disk: OnDisk,
    /// Somebody signed out here: the next sign-in is a person's choice, not ours.
    signed_out: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnDisk {
    #[default]
    No,
    Yes,
    /// It was there, and somebody removed it: this program may go on, but does not undo that.
    Removed,
}

impl Session {
    /// Who signed in.
    pub(super) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// What can be redeemed. The store is asked each time, and stays locked: another process may have redeemed what we know.
    pub(super) async fn redeemable(&mut self, client: &PublicClient, store: Option<&Store>) -> (Option<Secret>, Option<Locked>) {
        let Some(store) = store else { return (self.refresh_token.clone(), None) };
        if self.account.is_none() && self.refresh_token.is_none() && !self.signed_out {
            self.account = choose(store.accounts(&client.authority.host(), &client.client_id).await, client.login_hint.as_deref());
        }
        let Some(account) = &self.account else { return (self.refresh_token.clone(), None) };
        let locked = store.lock(account).await;
        match locked.read().await {
            Found::Saved(saved) => {
                self.refresh_token = Some(saved.refresh_token);
                self.on_disk = OnDisk::Yes;
            }
            Found::Nothing if self.on_disk == OnDisk::Yes => self.on_disk = OnDisk::Removed,
            Found::Unreadable => self.on_disk = OnDisk::No,
            Found::Nothing => {}
        }
        (self.refresh_token.clone(), Some(locked))
    }

    /// After a redemption: the new refresh token, if there is one, takes the old one's place before anybody else may redeem.
    pub(super) async fn renewed(&mut self, client: &PublicClient, granted: &Granted, locked: Option<Locked>) {
        if self.account.is_none() {
            self.account = account(client, granted);
        }
        let new = granted.secret("refresh_token");
        let changed = new.is_some();
        self.refresh_token = new.or(self.refresh_token.take());
        if let Some(locked) = locked.filter(|_| self.on_disk == OnDisk::No || (self.on_disk == OnDisk::Yes && changed)) {
            self.write(&locked).await;
        }
    }

    /// After a person's sign-in. A refused refresh token outlives it only if nothing came in its place and it is the same person's.
    pub(super) async fn signed_in(&mut self, client: &PublicClient, granted: &Granted, store: Option<&Store>) {
        let old = std::mem::take(self);
        self.account = account(client, granted);
        let same = self.account.as_ref().map(|a| &a.home_account_id) == old.account.as_ref().map(|a| &a.home_account_id);
        self.refresh_token = granted.secret("refresh_token").or(old.refresh_token.filter(|_| same));
        if let (Some(store), Some(account)) = (store, &self.account) {
            let locked = store.lock(account).await;
            self.write(&locked).await;
        }
    }

    async fn write(&mut self, locked: &Locked) {
        let Session { refresh_token: Some(refresh_token), account: Some(account), .. } = &*self else { return };
        let saved = Saved { account: account.clone(), refresh_token: refresh_token.clone() };
        if locked.write(saved).await {
            self.on_disk = OnDisk::Yes;
        }
    }

    /// Who is signed in, and who was and is remembered.
    pub(super) async fn accounts(&self, client: &PublicClient, store: Option<&Store>) -> Vec<Account> {
        let mut accounts: Vec<_> = self.account.iter().cloned().collect();
        if let Some(store) = store {
            accounts.extend(store.accounts(&client.authority.host(), &client.client_id).await);
        }
        let mut seen = HashSet::new();
        accounts.retain(|a| seen.insert(a.home_account_id.clone()));
        accounts
    }

    /// Forgets an account, here and in the store; all without a name. The number of those forgotten.
    pub(super) async fn forget(&mut self, client: &PublicClient, store: Option<&Store>, name: Option<&str>) -> usize {
        let mut accounts = self.accounts(client, store).await;
        accounts.retain(|a| name.is_none_or(|n| is_called(a, n)));
        for account in &accounts {
            if let Some(store) = store {
                store.lock(account).await.remove().await;
            }
        }
        if name.is_none_or(|n| self.account.as_ref().is_some_and(|a| is_called(a, n))) {
            *self = Session { signed_out: true, ..Session::default() };
        }
        accounts.len()
    }
}

/// The account that was meant: the one of that name, or the only one. Between several a person decides.
fn choose(mut accounts: Vec<Account>, name: Option<&str>) -> Option<Account> {
    if let Some(name) = name {
        return accounts.into_iter().find(|a| is_called(a, name));
    }
    if accounts.len() > 1 {
        tracing::info!(target: "xdrkit", "{} accounts are remembered, and login_hint= does not say which", accounts.len());
        return None;
    }
    accounts.pop()
}

fn is_called(account: &Account, name: &str) -> bool {
    account.username.eq_ignore_ascii_case(name) || account.home_account_id == name
}

/// Who signed in, by the answer's own words.
fn account(client: &PublicClient, granted: &Granted) -> Option<Account> {
    let id = granted.text("id_token").and_then(claims::payload)?;
    let info = granted.text("client_info").and_then(claims::part);
    let text = |value: Option<&Value>, name: &str| value.and_then(|v| v.get(name)).and_then(Value::as_str).map(str::to_owned);
    let tenant_id = text(Some(&id), "tid").unwrap_or_else(|| client.authority.tenant().to_owned());
    let home = match (text(info.as_ref(), "uid"), text(info.as_ref(), "utid")) {
        (Some(user), Some(tenant)) => format!("{user}.{tenant}"),
        _ => format!("{}.{tenant_id}", text(Some(&id), "oid").or_else(|| text(Some(&id), "sub"))?),
    };
    let username = ["preferred_username", "upn", "email"].iter().find_map(|n| text(Some(&id), n)).unwrap_or_default();
    Some(Account { home_account_id: home, username, tenant_id, authority: client.authority.host(), client_id: client.client_id.clone() })
}

#[cfg(test)]
mod tests;
