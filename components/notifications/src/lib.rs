//! Messages to customers: inbox, e-mail and webhooks.
