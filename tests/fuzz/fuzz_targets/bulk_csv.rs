#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("bulk_csv", data));
