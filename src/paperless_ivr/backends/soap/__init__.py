"""A biller's CloudIVR service over SOAP: the only room that calls with zeep (R20)."""
