//! The addresses of who is signed in: the form of one, for the account and for the checkout.

use askama::Template;

use crate::form::{Field, Form, blame};
use crate::model::{Address, Addresses};
use crate::services::{ApiError, Call};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

/// How many addresses one may have.
const ADDRESSES_MAX: usize = 10;

/// Where people may live, by the code of ISO 3166-1.
pub const COUNTRIES: [(&str, &str); 33] = [
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BG", "Bulgaria"),
    ("HR", "Croatia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HU", "Hungary"),
    ("IS", "Iceland"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("LV", "Latvia"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("MT", "Malta"),
    ("NL", "Netherlands"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("SK", "Slovakia"),
    ("SI", "Slovenia"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("GB", "United Kingdom"),
];

/// The name of a country, or its code where that is all there is.
pub fn country_name(code: &str) -> &str {
    let mut found = COUNTRIES.iter().filter(|(known, _)| *known == code);
    found.next().map_or(code, |(_, name)| *name)
}

/// An address as it is typed.
#[derive(Clone, Debug)]
pub struct AddressForm {
    pub fields: [Field; 4],
    pub country: String,
    pub error: Option<String>,
}

impl AddressForm {
    pub fn of(address: &Address) -> AddressForm {
        AddressForm {
            fields: [
                Field::new("name", "Name")
                    .autocomplete("name")
                    .value(&address.name),
                Field::new("street", "Street and number")
                    .autocomplete("street-address")
                    .value(&address.street),
                Field::new("postcode", "Postcode")
                    .autocomplete("postal-code")
                    .value(&address.postcode),
                Field::new("city", "City")
                    .autocomplete("address-level2")
                    .value(&address.city),
            ],
            country: match address.country.as_str() {
                "" => "DE".to_owned(),
                country => country.to_owned(),
            },
            error: None,
        }
    }

    /// The countries to choose from: the code, the name, and whether it is chosen.
    pub fn countries(&self) -> Vec<(&'static str, &'static str, bool)> {
        let countries = COUNTRIES.iter();
        let countries = countries.map(|(code, name)| (*code, *name, *code == self.country));
        countries.collect()
    }

    /// Says what is wrong with it.
    pub fn blame(&mut self, error: &ApiError) {
        if let Some(refusal) = error.refusal() {
            self.error = blame(&mut self.fields, refusal);
        }
    }
}

/// The address that a form says.
pub fn read(form: &Form) -> Address {
    Address {
        name: form.text("name").to_owned(),
        street: form.text("street").to_owned(),
        postcode: form.text("postcode").to_owned(),
        city: form.text("city").to_owned(),
        country: form.text("country").to_owned(),
    }
}

/// The addresses of who visits.
///
/// # Errors
/// When they cannot be had.
pub async fn load(visit: &Visit<'_>) -> Result<Vec<Address>, ApiError> {
    let addresses: Addresses = visit.get("users", "/me/addresses").await?;
    Ok(addresses.addresses)
}

/// Puts an address first, so that it is the one that is meant next time. One that was there moves;
/// of too many, the last is dropped.
///
/// # Errors
/// When it is refused, or nothing can be kept.
pub async fn put_first(visit: &Visit<'_>, address: Address) -> Result<(), ApiError> {
    let mut addresses = load(visit).await?;
    addresses.retain(|known| *known != address);
    addresses.insert(0, address);
    addresses.truncate(ADDRESSES_MAX);
    save(visit, addresses).await
}

async fn save(visit: &Visit<'_>, addresses: Vec<Address>) -> Result<(), ApiError> {
    let call = Call::new("PUT", "users", "/me/addresses").with_json(&Addresses { addresses });
    visit.send(call).await.map(drop)
}

#[derive(Template)]
#[template(path = "address.html")]
struct Page {
    frame: Frame,
    /// None: it is a new one.
    index: Option<usize>,
    form: AddressForm,
}

impl Page {
    fn action(&self) -> String {
        match self.index {
            Some(index) => format!("/account/addresses/{index}"),
            None => "/account/addresses/new".to_owned(),
        }
    }
}

/// The place of an address in the list; none for a new one.
fn place(step: &str) -> Result<Option<usize>, Stop> {
    match step {
        "new" => Ok(None),
        step => step.parse().map(Some).map_err(|_| Stop::NotFound),
    }
}

/// `GET /account/addresses/{new or index}`
pub async fn show(visit: &Visit<'_>, step: &str) -> Outcome {
    visit.shopper()?;
    let index = place(step)?;
    let address = match index {
        None => Address::default(),
        Some(index) => {
            let mut addresses = load(visit).await?.into_iter();
            addresses.nth(index).ok_or(Stop::NotFound)?
        }
    };
    let shown = Page {
        frame: Frame::of(visit),
        index,
        form: AddressForm::of(&address),
    };
    Ok(private_page(200, &shown))
}

/// `POST /account/addresses/{new or index}`: saves, or removes.
pub async fn change(visit: &Visit<'_>, step: &str) -> Outcome {
    visit.shopper()?;
    let index = place(step)?;
    let form = Form::read(visit.request);
    let address = read(&form);
    let mut addresses = load(visit).await?;
    let saved = match index {
        None => {
            addresses.push(address.clone());
            save(visit, addresses).await
        }
        Some(index) => {
            let is_removal = form.has("remove");
            let known = addresses.get_mut(index).ok_or(Stop::NotFound)?;
            address.clone_into(known);
            if is_removal {
                addresses.remove(index);
            }
            save(visit, addresses).await
        }
    };
    match saved {
        Ok(()) => Ok(go_to("/account?done=addresses")),
        Err(error) if error.has_status(422) => {
            let mut form = AddressForm::of(&address);
            form.blame(&error);
            let shown = Page {
                frame: Frame::of(visit),
                index,
                form,
            };
            Ok(private_page(422, &shown))
        }
        Err(error) => Err(error.into()),
    }
}
