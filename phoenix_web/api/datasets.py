from flask import Blueprint

routes = Blueprint("datasets", __name__, url_prefix="/v1/datasets")
