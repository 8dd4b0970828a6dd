"""A biller's CloudIVR service over SOAP: the only package that uses zeep for calls (R20)."""
