#![no_main]

fuzz::target!(hostile::targets::vault_envelope);
