#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("hubspot_answers", data));
