//! How the services of one thread call each other: directly, with the values of either side's own
//! types. What the links of `component` do under the host.

use cart::priced;
use catalog::assortment::service::Shelves;
use kit::identity::{Caller, Identity, IdentityError};
use users::service::{Users, VerifyError};

/// Who has a token.
pub struct Identities(pub &'static Users);

impl Identity for Identities {
    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.0.verify_token(token).map_err(|error| match error {
            VerifyError::Refused(refusal) => IdentityError::Refused(refusal.text().to_owned()),
            VerifyError::Store(error) => IdentityError::Unavailable(format!("{error:?}")),
        })
    }
}

/// What the catalog sells.
pub struct Offers(pub &'static Shelves);

impl priced::Offers for Offers {
    fn offers(&self, skus: &[String]) -> Result<Vec<priced::Offer>, priced::Unavailable> {
        let found = self.0.offers(skus);
        let found = found.map_err(|problem| priced::Unavailable(problem.detail))?;
        let offers = found.into_iter().map(|offer| priced::Offer {
            sku: offer.sku,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            currency: offer.currency.to_owned(),
            weight_g: offer.weight_g,
        });
        Ok(offers.collect())
    }
}
