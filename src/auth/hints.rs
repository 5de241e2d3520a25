//! What people can do about the commonest sign-in errors. For messages only: no decision is made by these numbers.

const HINTS: &[(i64, &str)] = &[
    (7000215, "the client secret is wrong: the portal shows its value once and its id always; the value is wanted"),
    (7000222, "the client secret has expired: make a new one under Certificates & secrets"),
    (700016, "there is no such application in this tenant: check client_id and tenant_id, and that an administrator has consented"),
    (700024, "the assertion is not valid at this time: check this machine's clock"),
    (700027, "the certificate is not registered with the application, or the chain is in the wrong order"),
    (7000218, "the application is not marked as a public client: Authentication, Allow public client flows"),
    (90002, "there is no such tenant: check tenant_id and cloud"),
    (900023, "tenant_id is neither a GUID nor a known domain"),
    (500011, "the service is not set up in this tenant: Defender has to be licensed and opened once"),
    (65001, "nobody has consented to the permissions: an administrator grants them under API permissions"),
    (
        65002,
        "this tool's application is one of Microsoft's own and may not ask for tokens of this service: sign in another way, such as \
         credential=\"browser\" with an application of your own",
    ),
    (70011, "the scope is malformed"),
    (50020, "the account belongs to another tenant"),
    (50076, "the account needs a second factor: sign in with a browser or a device code"),
    (50079, "the account has to register a second factor first"),
    (50126, "user name or password is wrong"),
    (53003, "a Conditional Access policy blocks this sign-in; many tenants block device codes"),
    (700082, "the sign-in is too old: sign in again"),
    (50196, "too many sign-ins in a row: something asks for tokens without keeping them"),
];

/// The hint of an AADSTS number.
pub(super) fn for_number(number: i64) -> Option<&'static str> {
    HINTS.iter().find(|(n, _)| *n == number).map(|(_, hint)| *hint)
}

/// The first AADSTS number in a text.
pub(super) fn number_in(text: &str) -> Option<i64> {
    let (_, after) = text.split_once("AADSTS")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
