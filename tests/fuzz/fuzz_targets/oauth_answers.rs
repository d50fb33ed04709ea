#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("oauth_answers", data));
