#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("idm_project", data));
