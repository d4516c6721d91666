"""The field's language: values, rules, profiles and their standard forms. Pure; opens nothing but files it is given."""
