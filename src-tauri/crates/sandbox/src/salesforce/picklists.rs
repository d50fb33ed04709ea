//! The values of the picklists. A `|` parts the value from its label where they differ.

pub(crate) const ENCODINGS: &[&str] = &[
    "UTF-8|Unicode (UTF-8)",
    "ISO-8859-1|General US & Western Europe (ISO-8859-1, ISO-LATIN-1)",
    "Shift_JIS|Japanese (Shift-JIS)",
    "ISO-2022-JP|Japanese (JIS)",
    "EUC-JP|Japanese (EUC)",
    "ks_c_5601-1987|Korean (ks_c_5601-1987)",
    "Big5|Traditional Chinese (Big5)",
    "GB2312|Simplified Chinese (GB2312)",
    "Big5-HKSCS|Traditional Chinese Hong Kong (Big5-HKSCS)",
    "x-SJIS_0213|Japanese (Shift-JIS_2004)",
];

pub(crate) const LANGUAGES: &[&str] = &[
    "en_US|English",
    "de|German",
    "es|Spanish",
    "fr|French",
    "it|Italian",
    "ja|Japanese",
    "sv|Swedish",
    "ko|Korean",
    "zh_TW|Chinese (Traditional)",
    "zh_CN|Chinese (Simplified)",
    "pt_BR|Portuguese (Brazil)",
    "nl_NL|Dutch",
    "da|Danish",
    "th|Thai",
    "fi|Finnish",
    "ru|Russian",
];

pub(crate) const LOCALES: &[&str] = &[
    "en_US|English (United States)",
    "en_GB|English (United Kingdom)",
    "en_CA|English (Canada)",
    "en_AU|English (Australia)",
    "en_IE_EURO|English (Ireland)",
    "en_IN|English (India)",
    "de_DE_EURO|German (Germany)",
    "de_DE|German (Germany)",
    "de_AT_EURO|German (Austria)",
    "de_CH|German (Switzerland)",
    "fr_FR_EURO|French (France)",
    "fr_FR|French (France)",
    "fr_CA|French (Canada)",
    "es_ES_EURO|Spanish (Spain)",
    "es_ES|Spanish (Spain)",
    "es_MX|Spanish (Mexico)",
    "it_IT_EURO|Italian (Italy)",
    "it_IT|Italian (Italy)",
    "nl_NL_EURO|Dutch (Netherlands)",
    "nl_NL|Dutch (Netherlands)",
    "pt_BR|Portuguese (Brazil)",
    "pt_PT|Portuguese (Portugal)",
    "sv_SE|Swedish (Sweden)",
    "da_DK|Danish (Denmark)",
    "fi_FI|Finnish (Finland)",
    "no_NO|Norwegian (Norway)",
    "pl_PL|Polish (Poland)",
    "ru_RU|Russian (Russia)",
    "tr_TR|Turkish (Turkey)",
    "ja_JP|Japanese (Japan)",
    "ko_KR|Korean (South Korea)",
    "zh_CN|Chinese (China)",
    "zh_TW|Chinese (Taiwan)",
    "th_TH|Thai (Thailand)",
];

pub(crate) const TIME_ZONES: &[&str] = &[
    "Pacific/Auckland",
    "Australia/Sydney",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Kolkata",
    "Asia/Karachi",
    "Asia/Dubai",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Athens",
    "Europe/Helsinki",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/Rome",
    "Europe/Vienna",
    "Europe/Zurich",
    "Europe/Amsterdam",
    "Europe/Stockholm",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Africa/Johannesburg",
    "Africa/Cairo",
    "GMT",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "America/Halifax",
    "America/New_York",
    "America/Chicago",
    "America/Mexico_City",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
];

pub(crate) const USER_TYPES: &[&str] = &[
    "Standard",
    "PowerPartner|Partner",
    "PowerCustomerSuccess|Customer Portal Manager",
    "CustomerSuccess|Customer Portal User",
    "Guest",
    "CspLitePortal|High Volume Portal",
    "CsnOnly|CSN Only",
    "AutomatedProcess|Automated Process",
];

pub(crate) const SALUTATIONS: &[&str] = &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."];

pub(crate) const LEAD_SOURCES: &[&str] =
    &["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"];

pub(crate) const LEAD_STATUSES: &[&str] =
    &["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"];

pub(crate) const INDUSTRIES: &[&str] = &[
    "Agriculture",
    "Banking",
    "Construction",
    "Education",
    "Energy",
    "Food & Beverage",
    "Healthcare",
    "Technology",
    "Transportation",
    "Other",
];

pub(crate) const RATINGS: &[&str] = &["Hot", "Warm", "Cold"];

pub(crate) const ACCOUNT_TYPES: &[&str] =
    &["Prospect", "Customer - Direct", "Customer - Channel", "Technology Partner", "Other"];

pub(crate) const GROUP_TYPES: &[&str] = &["Regular", "Queue", "Role", "RoleAndSubordinates", "Organization"];
