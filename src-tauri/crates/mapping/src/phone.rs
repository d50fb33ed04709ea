//! Phone numbers in the one form that every system agrees on, E.164.
//!
//! What a number looks like is in the metadata of Google's libphonenumber, which the `phonenumber` crate carries.

use phonenumber::{Mode, country::Id};

/// Longer texts are no phone numbers, and are not looked at.
const LONGEST: usize = 250;

/// The country whose numbers are read without a country code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Country(Id);

impl Country {
    /// `None` for two letters that no country has.
    pub(crate) fn parse(letters: &str) -> Option<Self> {
        letters.parse().ok().map(Self)
    }
}

/// `None` when the text is no valid number.
pub(crate) fn e164(text: &str, country: Country) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let number = phonenumber::parse(Some(country.0), text).ok()?;
    number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::{Country, e164};

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (country, text, expect) in [
            ("DE", "030 123456", Some("+4930123456")),
            ("DE", "+49 (0)30 / 123456", Some("+4930123456")),
            ("DE", "0049 30 123456", Some("+4930123456")),
            ("DE", "tel:+49-30-123456", Some("+4930123456")),
            ("DE", "+1 415 555 0100", Some("+14155550100")),
            ("US", "(415) 555-0100 x12", Some("+14155550100")),
            ("GB", "020 7946 0018", Some("+442079460018")),
            ("DE", "+4930123456", Some("+4930123456")),
            ("DE", "12 monkeys", None),
            ("DE", "1", None),
            ("DE", "+", None),
            ("US", "123", None),
            ("DE", "none", None),
            ("DE", "", None),
        ] {
            let country = Country::parse(country).unwrap();
            assert_eq!(e164(text, country).as_deref(), expect, "{text}");
        }
        assert_eq!(e164(&"1".repeat(1_000_000), Country::parse("DE").unwrap()), None);
        assert!(Country::parse("XX").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}|[+0-9 ()/x-]{0,300}") {
            let country = Country::parse("DE").unwrap();
            if let Some(number) = e164(&text, country) {
                proptest::prop_assert_eq!(e164(&number, country), Some(number));
            }
        }
    }
}
