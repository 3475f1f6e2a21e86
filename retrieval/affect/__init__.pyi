from .predict import make_error_record as make_error_record
from .predict import predict_file_affect as predict_file_affect
from .predict import predict_text_affect as predict_text_affect
