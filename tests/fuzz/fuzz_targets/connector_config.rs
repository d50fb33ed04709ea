#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::run("connector_config", data));
