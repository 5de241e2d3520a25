//! Challenges of `WWW-Authenticate`, as RFC 9110 (11.6.1) has them.
//!
//! A header may hold several challenges of different schemes, a header may come several times, a comma separates challenges and parameters
//! alike, and a quoted text may hold all of that as well. Cutting the text at commas or looking for a word in it finds challenges that are none.

/// One challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    /// What some schemes have in place of parameters.
    token: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of that scheme.
    pub(super) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter's value without quotes; the first, if it comes twice.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The challenges of one header. What cannot be read is passed over.
pub(super) fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut text = Text(header);
    loop {
        text.skip(|c| is_space(c) || c == ',');
        let name = text.take(is_token);
        if name.is_empty() {
            if text.0.is_empty() {
                return found;
            }
            text.item();
            continue;
        }
        let spaced = text.skip(is_space);
        if text.0.starts_with('=') {
            let value = text.value();
            if let (Some(challenge), Some(value)) = (found.last_mut(), value) {
                challenge.parameters.push((name.to_owned(), value));
            }
            continue;
        }
        let token = if spaced { text.token68().map(str::to_owned) } else { None };
        found.push(Challenge { scheme: name.to_owned(), token, parameters: Vec::new() });
    }
}

/// What is left to read.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !wanted(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    fn skip(&mut self, unwanted: impl Fn(char) -> bool) -> bool {
        !self.take(unwanted).is_empty()
    }

    /// After a name: `=` and a token or a quoted text.
    fn value(&mut self) -> Option<String> {
        self.0 = self.0.strip_prefix('=')?;
        self.skip(is_space);
        if self.0.starts_with('"') {
            return self.quoted();
        }
        let value = self.take(|c| !is_space(c) && c != ',' && c != '"');
        (!value.is_empty() && value.chars().all(is_token)).then(|| value.to_owned())
    }

    /// A quoted text without its quotes and backslashes; nothing if it has no end.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = self.0.get(at + 1..).unwrap_or_default();
                    return Some(value);
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        self.0 = "";
        None
    }

    /// A scheme's one token, if that is all up to the next comma.
    fn token68(&mut self) -> Option<&'a str> {
        let start = self.0;
        let body = self.take(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c)).len();
        let padding = self.take(|c| c == '=').len();
        self.skip(is_space);
        if body > 0 && (self.0.is_empty() || self.0.starts_with(',')) {
            return start.get(..body + padding);
        }
        self.0 = start;
        None
    }

    /// Passes over what stands up to the next comma.
    fn item(&mut self) {
        while !self.0.is_empty() && !self.0.starts_with(',') {
            if self.0.starts_with('"') {
                self.quoted();
            } else {
                self.take(|c| c != ',' && c != '"');
            }
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, option, prelude::*};

    fn shown(header: &str) -> String {
        let one = |c: Challenge| {
            let parameters: Vec<_> = c.parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
            format!("{}[{}]{}", c.scheme, parameters.join("|"), c.token.unwrap_or_default())
        };
        challenges(header).into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn schemes_and_parameters_are_told_apart() {
        for (header, found) in [
            ("", ""),
            ("Negotiate", "Negotiate[]"),
            ("Negotiate, Basic realm=\"x\"", "Negotiate[] Basic[realm=x]"),
            ("Negotiate YII=, Bearer a=b", "Negotiate[]YII= Bearer[a=b]"),
            ("Bearer a=\"1, Basic realm=2\", b=\"\\\"q\\\\\", Basic realm=x", "Bearer[a=1, Basic realm=2|b=\"q\\] Basic[realm=x]"),
            ("Bearer realm=\"\", error = x ,, c=\"d\"", "Bearer[realm=|error=x|c=d]"),
            (",, Bearer\ta=b", "Bearer[a=b]"),
            ("Bearer a=\"b\" c=\"d\"", "Bearer[a=b|c=d]"),
            ("a=b, Bearer c=d", "Bearer[c=d]"),
            ("Bearer a=\"open, b=c", "Bearer[]"),
            ("Bearer a={}, b=c", "Bearer[b=c]"),
            ("@x \"y, z\" w, Bearer b=c", "Bearer[b=c]"),
        ] {
            assert_eq!(shown(header), found, "{header}");
        }
    }

    #[test]
    fn names_are_the_same_in_any_case() {
        let found = challenges("bEARER Error=x, error=y");
        assert!(found[0].is("Bearer") && !found[0].is("Basic"));
        assert_eq!(found[0].get("ERROR"), Some("x"));
    }

    fn challenge() -> impl Strategy<Value = Challenge> {
        let parameter = ("[A-Za-z][A-Za-z0-9_-]{0,8}", "[ -~]{0,20}");
        let parameters = vec(parameter, 1..5).prop_map(|parameters| (None, parameters));
        let token = option::of("[A-Za-z0-9._~+/-]{1,20}={0,2}").prop_map(|token| (token, Vec::new()));
        ("[A-Za-z][A-Za-z0-9-]{0,8}", prop_oneof![parameters, token]).prop_map(|(scheme, (token, parameters))| Challenge {
            scheme,
            token,
            parameters,
        })
    }

    /// The text of a challenge: values that may be bare are, if that is wanted.
    fn written(challenge: &Challenge, bare: bool, space: &str) -> String {
        let value = |v: &str| match bare && !v.is_empty() && v.chars().all(is_token) {
            true => v.to_owned(),
            false => format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        let parameters: Vec<_> = challenge.parameters.iter().map(|(n, v)| format!("{n}{space}={space}{}", value(v))).collect();
        let rest = challenge.token.clone().unwrap_or_else(|| parameters.join(&format!("{space},{space}")));
        format!("{} {rest}", challenge.scheme).trim_end().to_owned()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(list in vec(challenge(), 0..5), bare: bool, space in "[ \t]{0,2}") {
            let text = list.iter().map(|c| written(c, bare, &space)).collect::<Vec<_>>().join(&format!("{space},{space}"));
            prop_assert_eq!(challenges(&text), list, "{}", text);
        }

        #[test]
        fn anything_can_be_read(text in ".{0,200}", marks in "[ a=\",\\\\]{0,60}") {
            for text in [text, marks] {
                let found = challenges(&text);
                prop_assert!(found.iter().all(|c| !c.scheme.is_empty()));
                prop_assert!(found.iter().map(|c| c.scheme.len()).sum::<usize>() <= text.len());
            }
        }
    }
}
