//! Errors, split by what the caller may do next.
//!
//! One type for the whole core. A kind is a promise: "never sent" means that sending again is safe, "throttled" carries when, "permission
//! denied" carries what to ask for. The Python face turns each kind into the class of the same name.

use crate::{
    hunt::Hunted,
    json::{Object, Value},
};
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// What went wrong, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client was set up wrongly.
    Configuration,
    /// A call's argument is wrong; nothing was sent.
    InvalidArgument,
    /// There is no such operation; nothing was sent.
    UnknownOperation,
    /// Sign-in failed.
    Authentication,
    /// This way to sign in is not available here; another may be.
    CredentialUnavailable,
    /// Somebody must sign in again.
    InteractionRequired,
    /// The connection was not made: the request never left.
    Connect,
    /// The connection broke: the request may have arrived.
    ConnectionLost,
    /// Time ran out.
    DeadlineExceeded,
    /// The service refuses the request as it is.
    BadRequest,
    /// The service refuses the hunting query.
    Query,
    /// The service does not accept the token.
    Unauthorized,
    /// The token lacks a permission.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// It is being worked on, or changed in between.
    Conflict,
    /// Too many requests.
    Throttled,
    /// The service failed.
    Service,
    /// The answer makes no sense.
    BadResponse,
    /// A limit of this client was passed.
    LimitExceeded,
    /// The service named an address that a token must not be sent to.
    UnsafeUrl,
    /// Pages do not come to an end.
    Paging,
    /// A machine action ended without success.
    ActionFailed,
    /// Nobody knows whether the action was begun.
    ActionOutcomeUnknown,
    /// A file here cannot be read or written.
    File,
    /// The client was closed.
    Closed,
    /// A defect of this library.
    Internal,
}

impl Kind {
    /// The name of the Python class.
    pub const fn class_name(self) -> &'static str {
        match self {
            Kind::Configuration => "ConfigurationError",
            Kind::InvalidArgument => "InvalidArgumentError",
            Kind::UnknownOperation => "UnknownOperationError",
            Kind::Authentication => "AuthenticationError",
            Kind::CredentialUnavailable => "CredentialUnavailableError",
            Kind::InteractionRequired => "InteractionRequiredError",
            Kind::Connect => "ConnectError",
            Kind::ConnectionLost => "ConnectionLostError",
            Kind::DeadlineExceeded => "DeadlineExceededError",
            Kind::BadRequest => "BadRequestError",
            Kind::Query => "QueryError",
            Kind::Unauthorized => "UnauthorizedError",
            Kind::PermissionDenied => "PermissionDeniedError",
            Kind::NotFound => "NotFoundError",
            Kind::Conflict => "ConflictError",
            Kind::Throttled => "ThrottledError",
            Kind::Service => "ServiceError",
            Kind::BadResponse => "BadResponseError",
            Kind::LimitExceeded => "LimitExceededError",
            Kind::UnsafeUrl => "UnsafeUrlError",
            Kind::Paging => "PagingError",
            Kind::ActionFailed => "ActionFailedError",
            Kind::ActionOutcomeUnknown => "ActionOutcomeUnknownError",
            Kind::File => "FileError",
            Kind::Closed => "ClosedError",
            Kind::Internal => "InternalError",
        }
    }
}

/// An error with all that is known about it. Cheap to move, and to clone for those who wait for the same answer.
#[derive(Clone)]
pub struct Error(Box<Facts>);

/// What an error knows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What can be done about it.
    pub kind: Kind,
    /// What happened, in a sentence.
    pub message: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The service's error code.
    pub code: Option<String>,
    /// The id to quote to the service's support.
    pub request_id: Option<String>,
    /// Seconds that the service asked to wait.
    pub retry_after: Option<f64>,
    /// The request's method.
    pub method: Option<String>,
    /// The request's URL without its query.
    pub url: Option<String>,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// What to do.
    pub hint: Option<String>,
    /// What only this kind knows, such as the argument's name.
    pub details: Object,
    /// What could not be read of an answer.
    pub body: Option<Bytes>,
    /// The rows before that.
    pub partial: Option<Arc<Hunted>>,
}

/// The result of anything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of that kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        let retryable = matches!(kind, Kind::Connect | Kind::Throttled | Kind::Service | Kind::DeadlineExceeded);
        Error(Box::new(Facts {
            kind,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            method: None,
            url: None,
            attempts: 0,
            retryable,
            hint: None,
            details: Object::new(),
            body: None,
            partial: None,
        }))
    }

    /// A wrong argument: its name, what is wrong with it.
    pub fn argument(name: &str, message: impl fmt::Display) -> Error {
        Error::new(Kind::InvalidArgument, format!("{name}: {message}")).detail("argument", name)
    }

    /// A wrong setting: its name, what is wrong with it.
    pub fn setting(name: &str, message: impl fmt::Display) -> Error {
        Error::new(Kind::Configuration, format!("{name}: {message}")).detail("argument", name)
    }

    /// What the system says about a file.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Error {
        Error::new(Kind::File, format!("{}: {error}", path.display())).detail("filename", path.display().to_string())
    }

    /// The client is closed.
    pub fn closed() -> Error {
        Error::new(Kind::Closed, "the client is closed")
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds what only this kind knows.
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Error {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Changes facts in place.
    pub fn with(mut self, change: impl FnOnce(&mut Facts)) -> Error {
        change(&mut self.0);
        self
    }

    /// What can be done about it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// All that is known.
    pub fn facts(&self) -> &Facts {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// `a, b or c`, each in quotes.
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one:?}"),
        [most @ .., last] => format!("{} or {last:?}", most.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(", ")),
    }
}

/// The name that was probably meant, if one is near.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    names
        .into_iter()
        .map(|n| (strsim::damerau_levenshtein(&wrong, &n.to_lowercase()), n))
        .filter(|(distance, n)| *distance <= 1 + n.len().min(wrong.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, n)| n)
}

/// ` Did you mean "x"?`, or nothing.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_foreign_one_finds_none() {
        let names = ["isolation_type", "comment", "id"];
        assert_eq!(nearest("isolaton_type", names), Some("isolation_type"));
        assert_eq!(nearest("Coment", names), Some("comment"));
        assert_eq!(nearest("zzzzzz", names), None);
    }
}
