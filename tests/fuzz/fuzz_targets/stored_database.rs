#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("stored_database", data));
