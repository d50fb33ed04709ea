#![no_main]

fuzz::target!(hostile::targets::salesforce_answers);
